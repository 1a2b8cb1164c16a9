"""Shards: tar files in WebDataset's layout, in which files of one name but for the suffix are one sample."""

import glob
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from ganstyle.errors import DataError
from ganstyle.extras import require
from ganstyle.images import READ_SUFFIXES

_BLOCK = tarfile.BLOCKSIZE


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a shard: its name, its content's offset and size in bytes, and its time."""

    name: str
    offset: int
    size: int
    mtime: float

    @property
    def end(self) -> int:
        """Where the next member may begin."""
        return self.offset + -(-self.size // _BLOCK) * _BLOCK


@dataclass(frozen=True, slots=True)
class Sample:
    """Files that belong together.

    Attributes:
        key: what their names have in common.
        members: the files, in their order.
    """

    key: str
    members: tuple[Member, ...]

    @property
    def photo(self) -> Member | None:
        """The first file whose suffix is that of an image which can be read."""
        suffixes = ((member, os.path.splitext(member.name)[1]) for member in self.members)  # noqa: PTH122
        return next((member for member, suffix in suffixes if suffix.lower() in READ_SUFFIXES), None)


def is_shards(path: Path) -> bool:
    """Say whether a path names a shard or a pattern of shards."""
    return path.suffix.lower() == ".tar" and not os.path.isdir(path)  # noqa: PTH112 - takes any name


def find_shards(pattern: str | Path) -> list[Path]:
    """Return the shards that a pattern names.

    Args:
        pattern: such as ``photos-{000..099}.tar`` or ``photos/*.tar``; or a folder of tar files. Braces are
            expanded whether or not the files exist.

    Raises:
        DataError: there is none, or the pattern is malformed.
        MissingExtraError: webdataset is not installed.
    """
    require("webdataset", f"{pattern}: reading shards")
    from webdataset.shardlists import expand_urls

    path = Path(pattern)
    if path.is_dir():
        found = sorted(path.glob("*.tar"))
    elif path.is_file():
        return [path]
    else:
        try:
            names = expand_urls(str(pattern))
        except Exception as error:  # braceexpand's own, of a pattern such as {9..
            raise DataError(f"{pattern}: not a pattern of shards ({error}); write {{000..099}}") from error
        found = [Path(name) for text in names for name in _matches(text)]
    if not found:
        raise DataError(f"{pattern}: names no shard; give tar files, such as photos-{{000..099}}.tar")
    return found


def read_index(path: Path) -> list[Sample]:
    """Return the samples of a shard; only headers are read.

    Raises:
        DataError: the file is missing or no tar file, or it was cut off.
    """
    try:
        return list(group_members(iterate_members(path)))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def iterate_members(path: Path) -> Iterator[Member]:
    """Yield the regular files of a shard, up to the first that is damaged.

    Raises:
        DataError: after the last whole member, if the shard does not end there as it should.
        OSError: it cannot be read.
    """
    end = 0
    try:
        with tarfile.open(path, "r:") as tar:
            for info in tar:
                member = Member(info.name, info.offset_data, info.size, info.mtime)
                end = member.end
                if end > path.stat().st_size:
                    break
                if info.isreg() and not info.issparse():
                    yield member
                tar.members = []  # type: ignore[attr-defined]  # they would take much memory
    except tarfile.TarError as error:
        if not end:
            raise DataError(f"{path}: not a tar file ({error}); give shards in WebDataset's layout") from None
    # Only the block of zeros at the end tells a whole shard from one that was cut off between two members.
    with path.open("rb") as file:
        file.seek(end)
        if file.read(_BLOCK) != bytes(_BLOCK):
            raise DataError(f"{path}: is cut off or damaged; copy it again")


def group_members(members: Iterator[Member]) -> Iterator[Sample]:
    """Group files in a row that belong together, as WebDataset does; others and its metadata are left out."""
    from webdataset.tariterators import base_plus_ext, meta_prefix

    def base_of(member: Member) -> str | None:
        base: str | None = base_plus_ext(member.name)[0]
        is_metadata = "/" not in member.name and member.name.startswith(meta_prefix)
        return None if is_metadata else base

    kept = (member for member in members if base_of(member) is not None)
    for key, group in groupby(kept, base_of):
        assert key is not None
        yield Sample(key, tuple(group))


def _matches(text: str) -> list[str]:
    if any(character in text for character in "*?["):
        return sorted(glob.glob(text))  # noqa: PTH207 - unlike pathlib's, it takes absolute patterns
    return [text]
