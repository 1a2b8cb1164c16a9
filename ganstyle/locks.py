"""Locks on files, which the operating system releases when their holder dies: however that happens."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

_LOCK = ".lock"
_ATTEMPTS = 100


@contextmanager
def one_at_a_time(path: str | Path) -> Iterator[None]:
    """Wait until no other process is in this block, on any machine that shares the folder.

    For work that all ranks of a launch need done once: inside the block, check first whether another process
    has already done it.

    Args:
        path: the lock's file. Its folder is created if needed; the file itself is left behind, empty.

    Raises:
        OSError: the folder cannot be written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path):
        yield


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Make a temporary folder and remove it at the end, with those that killed processes left behind.

    A process holds a lock in its folder as long as it lives.

    Args:
        prefix: of the folder's name, by which those of other processes are recognized.
    """
    _remove_abandoned(Path(tempfile.gettempdir()), prefix)
    folder, lock = _locked_folder(prefix)
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


def _locked_folder(prefix: str) -> tuple[Path, FileLock]:
    for _ in range(_ATTEMPTS):
        folder = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
        lock = FileLock(folder / _LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout:  # another process started just now and takes the folder for abandoned
            continue
        return folder, lock
    raise OSError(f"{tempfile.gettempdir()}: cannot lock a folder here")


def _remove_abandoned(parent: Path, prefix: str) -> None:
    """Remove this user's temporary folders of processes that no longer run."""
    for folder in parent.glob(f"{prefix}*"):
        with suppress(OSError, Timeout):
            status = folder.lstat()
            if not stat.S_ISDIR(status.st_mode) or (hasattr(os, "getuid") and status.st_uid != os.getuid()):
                continue
            with FileLock(folder / _LOCK, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
