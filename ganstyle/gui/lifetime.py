"""What exists only while the interface runs: its temporary folder, environment and signal handlers."""

import os
import shutil
import signal
import stat
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from filelock import FileLock, Timeout

_PREFIX = "ganstyle-gui-"
_LOCK = ".lock"
_ATTEMPTS = 100


class Terminated(KeyboardInterrupt):
    """The process was asked to end by SIGTERM or SIGHUP, as `docker stop` and a closed terminal do."""


class TerminationSignals:
    """Turns SIGTERM and SIGHUP into an exception as Ctrl-C is one, so that everything is cleaned up.

    The exception is raised by `check` while the program starts, because code that is being imported does not
    expect one; after `raise_at_once`, wherever the main thread is; never after `hold`, so that cleaning up is
    not interrupted. A signal that the process was started to ignore, as `nohup` does with SIGHUP, stays
    ignored. Handlers are only set in the main thread, and taken back at the end.
    """

    def __init__(self) -> None:
        self._received: int | None = None
        self._at_once = False
        self._previous: dict[int, signal._HANDLER] = {}

    def check(self) -> None:
        """Raise if a signal has come.

        Raises:
            KeyboardInterrupt: it was SIGINT.
            Terminated: it was SIGTERM or SIGHUP.
        """
        if self._received is not None:
            raise KeyboardInterrupt if self._received == signal.SIGINT else Terminated

    def raise_at_once(self) -> None:
        """From now on, raise as soon as a signal comes."""
        self._at_once = True
        self.check()

    def hold(self) -> None:
        """From now on, raise no more."""
        self._at_once = False

    def _handle(self, number: int, _: FrameType | None) -> None:
        first = self._received is None
        self._received = number if first else self._received
        if first and self._at_once:
            self.check()

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):
                number = getattr(signal, name, None)  # Windows has no SIGHUP
                if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                    self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.hold()
        for number, handler in self._previous.items():
            signal.signal(number, handler)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a temporary folder and remove it at the end, with those that killed processes left behind.

    A process holds a lock in its folder; the system releases it however the process ends.
    """
    _remove_abandoned(Path(tempfile.gettempdir()))
    folder, lock = _locked_folder()
    try:
        yield folder
    finally:
        ending = folder
        with suppress(OSError):  # under another name, nobody writes to it anymore
            ending = folder.rename(folder.with_name(f"{folder.name}-ending"))
        shutil.rmtree(ending, ignore_errors=True)
        lock.release()
        for leftover in (ending, folder):
            shutil.rmtree(leftover, ignore_errors=True)


def _locked_folder() -> tuple[Path, FileLock]:
    for _ in range(_ATTEMPTS):
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
        lock = FileLock(folder / _LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout:  # another process started just now and takes the folder for abandoned
            continue
        return folder, lock
    raise OSError(f"{tempfile.gettempdir()}: cannot lock a folder here")


def _remove_abandoned(parent: Path) -> None:
    """Remove this user's temporary folders of processes that no longer run."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError, Timeout):
            status = folder.lstat()
            if not stat.S_ISDIR(status.st_mode) or (hasattr(os, "getuid") and status.st_uid != os.getuid()):
                continue
            with FileLock(folder / _LOCK, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def process_settings(temporary: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables, and the folder for the temporary files of every library, for a block.

    Gradio writes uploads to Python's temporary folder as they arrive; it has no setting of its own for that.
    """
    before = {name: os.environ.get(name) for name in environment}
    before_folder = tempfile.tempdir
    os.environ.update(environment)
    tempfile.tempdir = str(temporary)
    try:
        yield
    finally:
        tempfile.tempdir = before_folder
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
