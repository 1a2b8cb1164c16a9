"""A shard of results while it is being made: what a kill leaves of it is continued."""

import os
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from ganstyle.data.shards import Member, Sample, group_members, iterate_members
from ganstyle.errors import DataError
from ganstyle.files import write_error
from ganstyle.stylize.scale.state import state_folder


class PartialShard:
    """Appends samples to a tar file that is moved to its place when it is complete.

    Args:
        output: the result's place.
        folder: the folder for results, whose `state_folder` holds the file.
        key: what the result is made from; what was begun with another key is begun anew.
        samples: of the photos' shard; a sample of the file that lacks some of its members is removed.

    Attributes:
        done: how many samples of each key the file holds.

    Raises:
        GanstyleError: the file cannot be written.
    """

    def __init__(self, output: Path, folder: Path, key: str, samples: Iterable[Sample]) -> None:
        self._output = output
        name = sha256(os.fsencode(output)).hexdigest()[:16]
        self._path = state_folder(folder) / f"{name}.{key[:16]}.partial"
        for other in self._path.parent.glob(f"{name}.*.partial"):
            if other != self._path:
                other.unlink(missing_ok=True)
        whole = list(_whole_samples(self._path, {sample.key: len(sample.members) for sample in samples}))
        self.done = Counter(sample.key for sample in whole)
        try:
            self._file = self._path.open("r+b" if self._path.exists() else "w+b")
            end = whole[-1].members[-1].end if whole else 0
            self._file.truncate(end)
            self._file.seek(end)
        except OSError as error:
            raise write_error(output, error) from error
        self._tar = tarfile.TarFile(fileobj=self._file, mode="w")

    def append(self, members: Sequence[Member], contents: Mapping[str, bytes]) -> None:
        """Append a sample.

        Args:
            members: the files; their offsets and sizes do not matter.
            contents: by name.

        Raises:
            GanstyleError: it cannot be written.
        """
        try:
            for member in members:
                info = tarfile.TarInfo(member.name)
                info.size, info.mtime = len(contents[member.name]), int(member.mtime)
                self._tar.addfile(info, BytesIO(contents[member.name]))
            self._file.flush()
        except OSError as error:
            raise write_error(self._output, error) from error

    def finish(self) -> None:
        """Complete the file, and move it to its place.

        Raises:
            GanstyleError: it cannot be written.
        """
        try:
            self._tar.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._output.parent.mkdir(parents=True, exist_ok=True)
            self._path.replace(self._output)
        except OSError as error:
            raise write_error(self._output, error) from error

    def close(self) -> None:
        """Close the file as it is; it will be continued."""
        self._file.close()

    def discard(self) -> None:
        """Delete the file."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def _whole_samples(path: Path, sizes: Mapping[str, int]) -> Iterator[Sample]:
    """Yield the samples of a file that was cut off, up to the first of which something is missing."""
    for sample in group_members(_whole_members(path)):
        if len(sample.members) != sizes.get(sample.key):
            return
        yield sample


def _whole_members(path: Path) -> Iterator[Member]:
    with suppress(DataError, OSError):
        yield from iterate_members(path)
