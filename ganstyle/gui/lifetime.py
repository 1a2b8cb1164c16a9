"""What exists only while the interface runs: its temporary folder, environment and signal handlers."""

import os
import shutil
import signal
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

_PREFIX = "ganstyle-gui-"
_LOCK = ".lock"
_ATTEMPTS = 100


class Terminated(KeyboardInterrupt):
    """The process was asked to end by SIGTERM or SIGHUP, as `docker stop` and a closed terminal do."""


@contextmanager
def termination_signals() -> Iterator[Callable[[], None]]:
    """Turn SIGTERM and SIGHUP into an exception as Ctrl-C is one, so that everything is cleaned up.

    Only the first signal raises; later ones are ignored until the block ends. A signal that the process was
    started to ignore, as `nohup` does with SIGHUP, stays ignored.

    Yields:
        A function to call before cleaning up: from then on no signal raises.
    """
    ending = False

    def hold() -> None:
        nonlocal ending
        ending = True

    def handle(number: int, _: FrameType | None) -> None:
        if not ending:
            hold()
            raise KeyboardInterrupt if number == signal.SIGINT else Terminated

    previous: dict[int, signal._HANDLER] = {}
    # Python allows handlers only in the main thread; in any other, whoever owns the process handles signals.
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                previous[number] = signal.signal(number, handle)
    try:
        yield hold
    finally:
        hold()
        for number, handler in previous.items():
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
