"""A lock on a run's folder, so that two trainings never write to one.

It is a POSIX record lock on ``.lock``. The kernel drops it when the process ends, however it ends, and
children do not inherit it: neither a killed training nor its orphaned data workers hold the folder. It also
works across machines on NFS (version 4, or 3 with its lock manager); a file system without locks is used
unlocked, with a warning.
"""

import errno
import json
import os
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from accelerate import Accelerator
from accelerate.utils import broadcast_object_list

from ganstyle.errors import RunError

try:
    import fcntl
except ImportError:  # Windows has no record locks
    fcntl = None  # type: ignore[assignment]

_NAME = ".lock"

# The files that this process has locked. A record lock is the process's: it keeps no other thread out, and
# closing any descriptor of the file drops it. So this process must not even open a file that it holds.
_held: set[tuple[int, int]] = set()
_held_guard = threading.Lock()


@contextmanager
def lock_run(folder: Path, accelerator: Accelerator) -> Iterator[None]:
    """Hold a run's folder for all processes of a launch; the main one locks it, all call this together.

    Raises:
        RunError: another training holds it, or the folder cannot be made or written to; on every process.
    """
    lock, problem = FolderLock(folder), None
    if accelerator.is_main_process:
        try:
            lock.acquire()
        except RunError as error:
            problem = str(error)
    if accelerator.num_processes > 1:
        problem = broadcast_object_list([problem])[0]
    if problem:
        raise RunError(problem)
    with lock:
        yield


class FolderLock:
    """Holds a folder for this process; the folder is made if need be, and removed again if it stays empty.

    Args:
        folder: what to hold.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / _NAME
        self._descriptor: int | None = None
        self._key = (0, 0)
        self._made: list[Path] = []

    def acquire(self) -> None:
        """Take the lock, or fail at once.

        Raises:
            RunError: another process or thread holds it, or the folder cannot be made or written to.
        """
        try:
            self._made += [part for part in (self._folder, *self._folder.parents) if not part.exists()]
            with _held_guard:
                while not self._try():
                    pass
        except OSError as error:
            self.release()
            reason = error.strerror or str(error)
            raise RunError(
                f"{self._folder}: the run's folder cannot be written to ({reason}); choose another run.dir"
            ) from error
        except RunError:
            self.release()
            raise

    def release(self) -> None:
        """Give the lock back, remove its file, and the folders that were made for it and are still empty."""
        with _held_guard:
            if self._descriptor is not None:
                with suppress(OSError):  # while it is held, so that nobody else's is removed
                    self._path.unlink()
                os.close(self._descriptor)
                self._descriptor = None
                _held.discard(self._key)
        for folder in self._made:
            with suppress(OSError):
                folder.rmdir()
        self._made.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()

    def _try(self) -> bool:
        """Lock the file; False: its last holder removed it just now."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            if _identify(self._path.stat()) in _held:
                raise self._refusal({"pid": os.getpid(), "host": socket.gethostname()})
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except FileNotFoundError:  # the folder was removed just now
            return False
        try:
            if fcntl is None:
                raise OSError(errno.ENOSYS, "Windows has no record locks")
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            owner = _read_owner(self._path)
            os.close(descriptor)
            raise self._refusal(owner) from None
        except OSError as error:
            warnings.warn(
                f"{self._folder}: cannot be locked ({error.strerror}); do not start a second training in it",
                RuntimeWarning,
                stacklevel=2,
            )
        with suppress(FileNotFoundError):
            if _identify(os.fstat(descriptor)) == _identify(self._path.stat()):
                self._descriptor, self._key = descriptor, _identify(os.fstat(descriptor))
                _held.add(self._key)
                _write_owner(descriptor)
                return True
        os.close(descriptor)
        return False

    def _refusal(self, owner: dict[str, object]) -> RunError:
        who = f"process {owner['pid']} on {owner['host']}" if {"pid", "host"} <= owner.keys() else "a process"
        since = f" since {owner['since']}" if "since" in owner else ""
        return RunError(
            f"{self._folder}: another training runs in this folder ({who}{since}); wait until it ends, "
            "stop it, or choose another name"
        )


def _identify(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _write_owner(descriptor: int) -> None:
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
    os.ftruncate(descriptor, 0)
    os.write(descriptor, json.dumps(owner).encode())


def _read_owner(path: Path) -> dict[str, object]:
    with suppress(OSError, ValueError):
        owner = json.loads(path.read_text())
        if isinstance(owner, dict):
            return owner
    return {}
