"""Who works on what: locks in one file, which the operating system releases when their holder dies."""

import os
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from ganstyle.errors import GanstyleError
from ganstyle.files import write_error

_WHOLE = 2**62  # a byte beyond all those that stand for a thing; every worker holds a share of its lock


class Claims:
    """Claims on things by name, among processes on any machines that share a folder.

    A claim is a POSIX lock on one byte of an empty file, chosen by the name's hash. So one file is enough for
    any number of names, and a process that is killed loses its claims at once. On a network file system,
    locks must work between machines (NFS 4, Lustre mounted with ``flock``); without that, two workers may do
    the same work twice, each of them whole.

    Such locks belong to the process: use one object for a folder and process.

    Args:
        path: the lock file; its folder is created if needed.

    Attributes:
        began: when the first of the processes that hold the file opened it, by the clock of its file system.

    Raises:
        GanstyleError: the file cannot be written, or its file system has no locks.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        while True:
            self._file = self._open()
            # The last worker to leave deletes the file. Whoever opened it just before must open the next one.
            with suppress(FileNotFoundError):
                status = os.fstat(self._file)
                if status.st_ino == path.stat().st_ino:
                    self.began = status.st_mtime
                    return
            os.close(self._file)

    def take(self, name: str) -> bool:
        """Claim a name; return whether it was free. One that this process holds is free to it."""
        return self._lock(_offset(name))

    def release(self, name: str) -> None:
        """Give a claim back."""
        import fcntl

        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _offset(name))

    def close(self) -> None:
        """Give all claims back, and delete the file if no other worker is left."""
        with suppress(OSError):
            if self._lock(_WHOLE):
                self._path.unlink(missing_ok=True)
        os.close(self._file)

    def _open(self) -> int:
        import fcntl

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise write_error(self._path, error) from error
        try:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _WHOLE)
            except (BlockingIOError, PermissionError):
                pass  # others hold it
            else:
                os.utime(file)  # killed ones may have left it
            fcntl.lockf(file, fcntl.LOCK_SH, 1, _WHOLE)
        except OSError as error:
            os.close(file)
            raise GanstyleError(
                f"{self._path}: its file system has no locks ({error.strerror or error}); choose another "
                "folder, or use one process"
            ) from error
        return file

    def _lock(self, offset: int) -> bool:
        import fcntl

        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)
        except OSError:
            return False
        return True


def _offset(name: str) -> int:
    digest = blake2b(os.fsencode(name), digest_size=8).digest()
    return int.from_bytes(digest) >> 3  # below _WHOLE
