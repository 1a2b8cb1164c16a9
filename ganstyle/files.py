"""Writing files so that nothing half-written is ever seen, and naming them by their content."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ganstyle.errors import GanstyleError


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Give a temporary path to write to; it becomes ``path`` only if the block ends well.

    The folder is made if it does not exist. The temporary file lies in that folder, so that the final
    rename never crosses a file system, and it is removed when anything goes wrong.

    Args:
        path: the file to create or replace.

    Yields:
        The path to write to. The block must create exactly this file.

    Raises:
        GanstyleError: the disk is full, or the folder cannot be written to.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise GanstyleError(
            f"{path}: cannot be written ({reason}); free some space or choose another folder"
        ) from error
    finally:
        # The folder may be the very thing that cannot be used; the first error is the one to report.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def check_writable(folder: str | Path) -> None:
    """Find out, without making the folder, whether it could be made and written to.

    Raises:
        GanstyleError: it could not.
    """
    existing = Path(folder)
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise GanstyleError(f"{existing}: is a file, not a folder; choose another output")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise GanstyleError(f"{existing}: may not be written to; choose another output")


def check_folder(folder: Path, *, force: bool) -> None:
    """See, before any work is done, whether a report may be written to a folder.

    Args:
        folder: need not exist.
        force: whether it may hold something; files of a report's names are replaced, others stay.

    Raises:
        GanstyleError: it may not.
    """
    if folder.exists() and not folder.is_dir():
        raise GanstyleError(f"{folder}: is a file; name a folder for the report")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise GanstyleError(
            f"{folder}: is not empty; choose another folder, or replace the report with --force"
        )


def shipped_folder() -> Path:
    """Return the folder with what ganstyle ships trained: beside the package, or inside it in a wheel."""
    package = Path(__file__).parent
    beside = package.parent / "checkpoints"
    return beside if beside.is_dir() else package / "checkpoints"


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
