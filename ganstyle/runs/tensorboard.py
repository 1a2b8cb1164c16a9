"""TensorBoard in a process of its own, which ends with the one that started it."""

import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock

from ganstyle.errors import GanstyleError

_LOOPBACK = "127.0.0.1"

_START_TIMEOUT = 60.0  # seconds until TensorBoard must answer
_STOP_TIMEOUT = 2.0  # seconds until it is killed

# Ends with its parent, however that ends: the system then closes the pipe that is its standard input.
_TENSORBOARD = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
from tensorboard.main import run_main
run_main()
"""


class TensorBoard:
    """Starts TensorBoard once, on a free port of this machine; no other machine reaches it.

    Args:
        folder: of the runs.
        temporary: a folder for the files that it makes; the caller removes it.
    """

    def __init__(self, folder: Path, temporary: Path) -> None:
        self._folder, self._temporary = folder, temporary
        self._lock = Lock()
        self._closed = False
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def start(self) -> str:
        """Return its address, once it answers.

        Raises:
            GanstyleError: it does not, or the interface is closing.
        """
        with self._lock:
            if self._closed:
                raise GanstyleError("the interface is closing; TensorBoard is not started")
            if self._process is None or self._process.poll() is not None:
                _close_pipe(self._process)
                self._port = _free_port()
                self._process = subprocess.Popen(
                    [
                        *(sys.executable, "-c", _TENSORBOARD, "--logdir", str(self._folder)),
                        *("--host", _LOOPBACK, "--port", str(self._port), "--load_fast", "false"),
                    ],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, "TMPDIR": str(self._temporary)},
                )
            process, port = self._process, self._port
        _wait(process, port)
        return f"http://{_LOOPBACK}:{port}/"

    def close(self) -> None:
        """End it, within seconds; kill it if it does not end when asked to."""
        with self._lock:
            self._closed = True
            process = self._process
        if process is None:
            return
        for end in (process.terminate, process.kill):
            end()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_TIMEOUT)
                break
        _close_pipe(process)


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Wait until a process answers on a port.

    Raises:
        GanstyleError: it ends, or does not answer in time.
    """
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection((_LOOPBACK, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise GanstyleError("TensorBoard does not start; run it yourself: tensorboard --logdir RUNS")


def _close_pipe(process: "subprocess.Popen[bytes] | None") -> None:
    if process and process.stdin:
        process.stdin.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
