"""TensorBoard beside the interface, for as long as that is up."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Lock

from ganstyle.errors import GanstyleError
from ganstyle.gui.access import LOOPBACK

_PATIENCE = 60.0  # seconds until it must answer


class TensorBoard:
    """Starts TensorBoard once, on a free port of this machine; no other machine reaches it.

    Args:
        folder: of the runs.
        temporary: a folder for the files that it makes; the caller removes it.
    """

    def __init__(self, folder: Path, temporary: Path) -> None:
        self._folder, self._temporary = folder, temporary
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def start(self) -> str:
        """Return its address, once it answers.

        Raises:
            GanstyleError: it does not.
        """
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._port = _free_port()
                self._process = subprocess.Popen(
                    [
                        *(sys.executable, "-m", "tensorboard.main", "--logdir", str(self._folder)),
                        *("--host", LOOPBACK, "--port", str(self._port), "--load_fast", "false"),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, "TMPDIR": str(self._temporary)},
                )
            self._wait(self._process)
            return f"http://{LOOPBACK}:{self._port}/"

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and process.poll() is None:
            try:
                socket.create_connection((LOOPBACK, self._port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.2)
        raise GanstyleError(f"TensorBoard does not start; run it yourself: {self.command}")

    @property
    def command(self) -> str:
        """What starts it by hand."""
        return f"tensorboard --logdir {self._folder}"

    def close(self) -> None:
        """End it."""
        if self._process:
            self._process.terminate()
            self._process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
