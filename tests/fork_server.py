"""Starts Python programs as forks of a process that has imported PyTorch already, which saves seconds each.

A fork is a process of its own, with its own arguments, environment, folder, output, signals and exit code.
What reads the environment or the arguments while it is imported still needs a fresh process.

Run as a program, ``fork_server.py SOCKET MODULE…``, this is the server: it imports the modules and waits.
"""

import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import Timer
from typing import Any, TextIO

_LONGEST = 2**20  # bytes of a request


class Fork:
    """A running program; like `subprocess.Popen`, as far as tests need it.

    Attributes:
        pid: of the process.
        stdin: what it reads.
        stdout: what it writes.
        stderr: what it writes.
    """

    def __init__(self, server: Path, arguments: list[str], environment: Mapping[str, str], cwd: Path) -> None:
        ours, theirs = [], []
        for number in range(3):
            read, write = os.pipe()
            ours.append(write if number == 0 else read)
            theirs.append(read if number == 0 else write)
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection.connect(str(server))
        request = {"arguments": arguments, "environment": dict(environment), "cwd": str(cwd)}
        socket.send_fds(self._connection, [json.dumps(request).encode()], theirs)
        for fd in theirs:
            os.close(fd)
        self.stdin: TextIO = os.fdopen(ours[0], "w")
        self.stdout: TextIO = os.fdopen(ours[1])
        self.stderr: TextIO = os.fdopen(ours[2])
        self.pid = int(self._connection.recv(32))
        self._code: int | None = None

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        os.kill(self.pid, number)

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""
        with suppress(BlockingIOError):
            return self.wait(0)
        return None

    def wait(self, timeout: float = 120) -> int:
        """Return the exit code, minus the number of the signal that ended it."""
        if self._code is None:
            self._connection.settimeout(timeout)
            self._code = os.waitstatus_to_exitcode(int(self._connection.recv(32)))
        return self._code

    def close(self) -> None:
        """End it, if it still runs."""
        if self._code is None:
            with suppress(ProcessLookupError):  # it may have ended by itself
                os.kill(self.pid, signal.SIGKILL)
            self.wait()
        for file in (self.stdin, self.stdout, self.stderr):
            if not file.closed:
                file.close()
        self._connection.close()


class ForkServer:
    """The process that programs are forked from, started when the first one is.

    Args:
        modules: what it imports.
    """

    def __init__(self, *modules: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fork-")  # a socket's path must be short
        self._address = Path(self._folder.name, "socket")
        self._modules = modules
        self._server: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str, environment: Mapping[str, str], cwd: Path | None = None) -> Fork:
        """Start what ``python ARGUMENTS`` would: ``-m MODULE …``, ``-c PROGRAM …`` or ``FILE …``."""
        if self._server is None:
            path = os.pathsep.join(filter(None, sys.path))
            self._server = subprocess.Popen(
                [sys.executable, __file__, str(self._address), *self._modules],
                # Pipes, as a fork's: Python remembers whether one can seek in its streams.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path},
            )
        while not self._address.exists():
            assert self._server.poll() is None
            time.sleep(0.02)
        return Fork(self._address, list(arguments), environment, cwd or Path.cwd())

    def run_ranks(self, *arguments: str, timeout: float = 240) -> list[tuple[int, str, str]]:
        """Run a program in two processes with the variables that torchrun sets.

        Returns:
            Exit code, output and errors of each.
        """
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
        shared |= {"LOCAL_WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
        ranks = [
            self.start(*arguments, environment={**os.environ, **shared, "RANK": rank, "LOCAL_RANK": rank})
            for rank in ("0", "1")
        ]
        watches = [Timer(timeout, rank.send_signal, [signal.SIGKILL]) for rank in ranks]
        for watch in watches:
            watch.start()
        texts = [(rank.stdout.read(), rank.stderr.read()) for rank in ranks]
        codes = [rank.wait() for rank in ranks]
        for rank, watch in zip(ranks, watches, strict=True):
            watch.cancel()
            rank.close()
        return [(code, *text) for code, text in zip(codes, texts, strict=True)]

    def close(self) -> None:
        """End the process."""
        if self._server:
            with self._server:
                self._server.kill()
        self._folder.cleanup()


def _serve(address: str) -> dict[str, Any]:
    """Fork for each request; return it in the fork. A process between the two reports how the fork ended."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(f"{address}.new")
    listener.listen()
    Path(f"{address}.new").rename(address)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # those between are not waited for
    while True:
        connection, _ = listener.accept()
        if os.fork():
            connection.close()
            continue
        listener.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        text, fds, _, _ = socket.recv_fds(connection, _LONGEST, 3)
        child = os.fork()
        if not child:
            connection.close()
            for number, fd in enumerate(fds):
                os.dup2(fd, number)
                os.close(fd)
            request: dict[str, Any] = json.loads(text)
            return request
        for fd in fds:
            os.close(fd)
        connection.send(str(child).encode())
        _, status = os.waitpid(child, 0)
        connection.send(str(status).encode())
        os._exit(0)


def _prepare(request: dict[str, Any]) -> None:
    """Give this process what the request asks for."""
    os.environ.clear()
    os.environ.update(request["environment"])
    tempfile.tempdir = None  # it was chosen by the server's environment
    os.chdir(request["cwd"])
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    if os.environ.get("PYTHONUNBUFFERED"):
        sys.stdout.reconfigure(write_through=True)  # type: ignore[union-attr]


def _run(first: str, *rest: str) -> None:
    """Run a program as Python would."""
    if first == "-m":
        sys.argv = list(rest)
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.argv = ["-c", *rest[1:]]
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(rest[0], "<string>", "exec"), main.__dict__)
    else:
        sys.argv = [first, *rest]
        sys.path[0] = str(Path(first).parent)
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    for _module in sys.argv[2:]:
        import_module(_module)
    gc.collect()
    gc.freeze()  # a fork would look through all of it, and thereby copy it, when it ends
    _request = _serve(sys.argv[1])
    _prepare(_request)
    _run(*_request["arguments"])
