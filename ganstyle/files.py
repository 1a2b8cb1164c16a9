"""Files: where they may be written, writing them so that none is ever left half-written, and hashing them."""

import errno
import hashlib
import math
import os
import re
import shutil
import stat
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ganstyle.errors import DataError, DiskFullError, GanstyleError
from ganstyle.temporary import temporary_name

_DESCRIPTORS = re.compile(r"/proc/(\d+)(/task/\d+)?/fd")
_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Give a temporary path to write to; it becomes ``path`` only if the block ends well.

    The folder is made if it does not exist. The temporary file is in that folder, so that the final
    rename never crosses a file system, and it is removed when anything goes wrong. A link stays, and the
    file that it leads to is replaced. A stream (see `is_stream`) is never replaced: the content is copied
    to it when the block has ended well.

    Args:
        path: the file to create or replace, or a stream.

    Yields:
        The path to write to. The block must create exactly this file.

    Raises:
        DiskFullError: the disk is full.
        GanstyleError: the folder cannot be written to, or the name is too long.
    """
    path = Path(path)
    target = Path(os.path.realpath(path))
    streamed = is_stream(path)
    folder = Path(tempfile.gettempdir()) if streamed else target.parent
    # The name does not grow with the target's, which may be as long as the file system allows.
    temporary = folder / temporary_name()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield temporary
        if streamed:
            _copy_to_stream(temporary, path)
        else:
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        # The folder may be the very thing that cannot be used; the first error is the one to report.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def is_stream(path: str | Path) -> bool:
    """Say whether a path names a device, a pipe, or a descriptor such as ``/dev/stdout`` or ``/dev/fd/63``.

    A descriptor is a stream even where the shell has opened a regular file for it: whoever opened the file
    expects it to be written to, not to be replaced.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) or _descriptor_link(path) is not None


def own_descriptor(path: str | Path) -> int | None:
    """Return the number of the descriptor of this process that a path names: 1 for ``/dev/stdout``."""
    link = _descriptor_link(Path(path))
    if link is None or not link.name.isdigit():
        return None
    owner = _DESCRIPTORS.fullmatch(os.path.realpath(link.parent))
    return int(link.name) if owner is not None and int(owner[1]) == os.getpid() else None


def file_identity(path: str | Path) -> tuple[object, ...]:
    """Return what is equal for two paths of one file: through links, and where case does not matter.

    The file need not exist; then it is where it would be created that counts.
    """
    missing: list[str] = []
    existing = Path(os.path.realpath(path))
    while True:
        try:
            status = existing.stat()
        except OSError:
            if existing == existing.parent:
                return (str(path),)
            missing.append(existing.name)
            existing = existing.parent
        else:
            break
    if missing and _ignores_case(existing):
        missing = [unicodedata.normalize("NFC", name).casefold() for name in missing]
    return (status.st_dev, status.st_ino, *reversed(missing))


def check_file(path: str | Path, *, force: bool) -> None:
    """Find out, before any work is done, whether a file could be written.

    Args:
        path: a file, which need not exist, or a stream.
        force: whether it may replace a file.

    Raises:
        GanstyleError: it could not.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        _check_obstacle(path, Path(os.path.realpath(path)).parent)
        return
    except OSError as error:
        raise write_error(path, error) from error
    if stat.S_ISDIR(mode):
        raise GanstyleError(f"{path}: is a folder; name a file")
    if stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        kind = "a disk" if stat.S_ISBLK(mode) else "a socket"
        raise GanstyleError(f"{path}: is {kind}, not a file; choose another output")
    if is_stream(path):
        if not _accepts_data(path):
            raise GanstyleError(f"{path}: may not be written to; choose another output")
        return
    if not force:
        raise GanstyleError(f"{path}: exists already; use --force to replace it")
    _check_obstacle(path, Path(os.path.realpath(path)).parent)


def check_writable(folder: str | Path) -> None:
    """Find out, without making the folder, whether it could be made and written to.

    Raises:
        GanstyleError: it could not.
    """
    _check_obstacle(Path(folder), Path(folder))


def check_folder(folder: Path, *, force: bool) -> None:
    """Find out, before any work is done, whether a report may be written to a folder.

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
    check_writable(folder)


def shipped_folder(name: str = "checkpoints") -> Path:
    """Return a folder that ships with ganstyle: in a checkout beside the package, else inside it.

    What is beside an installed package belongs to other packages, whatever its name.

    Args:
        name: ``checkpoints`` (styles and networks) or ``recipes``.
    """
    package = Path(__file__).parent
    project = package.parent / "pyproject.toml"
    try:
        checkout = 'name = "ganstyle"' in project.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        checkout = False
    return (package.parent if checkout else package) / name


def expand_user(path: str | Path) -> Path:
    """Expand a leading ``~`` or ``~user``; a path that cannot be expanded stays as it is."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - unlike pathlib's, it never raises


def null_not_finite(values: Any) -> Any:
    """Return plain values with None for every number that is not finite, which JSON does not have."""
    if isinstance(values, float):
        return values if math.isfinite(values) else None
    if isinstance(values, Mapping):
        return {key: null_not_finite(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [null_not_finite(value) for value in values]
    return values


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(paths: Iterable[Path]) -> str:
    """Return one SHA-256 for the content of several files in their order, whatever their names.

    Raises:
        DataError: one cannot be read.
    """
    digests = []
    for path in paths:
        try:
            digests.append(sha256(path))
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def write_error(path: Path, error: OSError) -> GanstyleError:
    """Return the error to raise about a file that could not be written."""
    problem = f"{path}: cannot be written ({error.strerror or error})"
    if error.errno in _FULL:
        return DiskFullError(f"{problem}; free some space or choose another folder")
    if error.errno == errno.ENAMETOOLONG:
        return GanstyleError(f"{problem}; choose a shorter name")
    return GanstyleError(f"{problem}; choose another folder")


def _check_obstacle(output: Path, folder: Path) -> None:
    """Raise an error about ``output`` if its folder could not be made and written to."""
    existing = folder
    while True:
        try:
            mode = existing.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            if existing == existing.parent:
                raise GanstyleError(f"{output}: there is no such disk; choose another output") from None
            existing = existing.parent
        except OSError as error:
            raise write_error(output, error) from error
        else:
            break
    if not stat.S_ISDIR(mode):
        raise GanstyleError(f"{output}: {existing} is a file, not a folder; choose another output")
    try:
        # Permissions alone do not tell: the file system may be read-only, or one that makes no files.
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        if error.errno in _FULL:
            raise write_error(output, error) from error
        reason = error.strerror or str(error)
        raise GanstyleError(
            f"{output}: {existing} may not be written to ({reason}); choose another output"
        ) from error


def _descriptor_link(path: Path) -> Path | None:
    """Return the entry of ``/proc/*/fd`` that a path is, or leads to through links."""
    for _ in range(40):  # the kernel follows no more links than that
        if _DESCRIPTORS.fullmatch(os.path.realpath(path.parent)):
            return path
        if not os.path.islink(path):  # noqa: PTH114 - unlike pathlib's, it takes a name that is too long
            return None
        path = path.parent / path.readlink()
    return None


def _accepts_data(stream: Path) -> bool:
    descriptor = own_descriptor(stream)
    if descriptor is None:
        return os.access(stream, os.W_OK)
    import fcntl  # there are such paths only where there is this module

    try:
        return fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
    except OSError:
        return False


def _copy_to_stream(source: Path, stream: Path) -> None:
    descriptor = own_descriptor(stream)
    # Opening a descriptor's path again would overwrite the start of a file that the shell has opened.
    opened = os.open(stream, os.O_WRONLY | os.O_APPEND) if descriptor is None else os.dup(descriptor)
    with source.open("rb") as content, os.fdopen(opened, "wb") as output:
        shutil.copyfileobj(content, output)


def _ignores_case(folder: Path) -> bool:
    """Say whether a folder's file system takes names that differ in case for one."""
    swapped = folder.with_name(folder.name.swapcase()) if folder.name else folder
    return swapped != folder and swapped.exists() and swapped.samefile(folder)
