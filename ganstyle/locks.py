"""One process at a time: a lock on a file, which the operating system releases when its holder dies."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock


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
