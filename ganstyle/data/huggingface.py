"""Data sets of Hugging Face's ``datasets`` library as a content source, streamed."""

import glob
import os
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ganstyle.data.fault_tolerance import FaultTolerantDataset
from ganstyle.data.transient import transient_cause
from ganstyle.errors import DataError, ImageError, one_line
from ganstyle.images import decode_image, read_image

if TYPE_CHECKING:
    import datasets

WINDOW = 1000
"""Photos that are shuffled at a time, if a recipe does not say."""

_CHUNK = 32  # examples that are asked for at once


class StreamedImages(FaultTolerantDataset):
    """The images of a data set's column, read as a stream, so that nothing need be downloaded before.

    A stream cannot jump. So the sampler shuffles within windows of photos (see `EndlessSampler`), and this
    object holds the encoded photos of the last two windows. A photo is still a function of its index alone,
    so training resumes to the bit; it reads on to where it was. Each data worker reads the whole stream.

    Args:
        path: a folder or file that exists (Parquet, what ``save_to_disk`` has written, or images); else the
            name of a data set on the Hugging Face Hub.
        name: its configuration.
        split: its split; of a folder, by the names of its files or folders, such as ``test-0.parquet``. A
            single file is taken whole, and a data set without splits that was saved.
        column: its column of images; by default the first one.
        count: how many photos there are, where the data set does not say so; or how many of them to use.
        window: photos that are shuffled at a time.

    Raises:
        DataError: it cannot be opened, has no such column, or does not say how many photos it has.
    """

    def __init__(
        self,
        path: str | Path,
        name: str | None = None,
        split: str = "train",
        column: str | None = None,
        count: int | None = None,
        window: int = WINDOW,
    ) -> None:
        try:
            stream, length = _open(str(path), name, split)
            self._column = _find_column(str(path), stream, column)
            self._stream = _undecoded(stream, self._column)
        except (DataError, MemoryError):
            raise
        except Exception as error:  # of the library, of file systems, of the network: no common base
            raise DataError(
                f"{path}: cannot be opened as a data set by Hugging Face's library ({one_line(error, 200)})"
            ) from error
        if length is None and count is None:
            raise DataError(f"{path}: does not say how many photos it has; give content.count")
        if length == 0:
            raise DataError(f"{path}: holds no photos in split {split}")
        self.window = window
        self._windows: dict[int, list[Any]] = {}
        self._position, self._iterator, self._process = 0, None, 0
        total = min(known for known in (length, count) if known is not None)
        super().__init__(self._read, total, str(path))

    _iterator: Iterator[Any] | None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_windows": {}, "_iterator": None, "_position": 0}

    def _read(self, index: int) -> Tensor:
        name = f"{self.name}: photo {index}"
        value = self._window(index // self.window)[index % self.window : index % self.window + 1]
        content = value[0] if value else None
        data = content.get("bytes") if isinstance(content, dict) else content
        if isinstance(data, bytes):
            return decode_image(data, name)[0]
        if isinstance(content, dict) and isinstance(content.get("path"), str):
            return read_image(content["path"])[0]
        raise ImageError(f"{name}: holds no image")

    def _window(self, number: int) -> list[Any]:
        """Return the photos of a window, encoded; read on to it, or begin again if it has passed."""
        if self._process != os.getpid():  # a copy of the parent's: its stream must not be shared
            self._process, self._iterator = os.getpid(), None
        if number not in self._windows:
            start = number * self.window
            try:
                if self._iterator is None or self._position > start:
                    self._iterator, self._position = self._values(start), start
                for _ in islice(self._iterator, start - self._position):
                    pass
                found = list(islice(self._iterator, self.window))
            except Exception as error:
                self._iterator = None
                # Libraries have their own errors for a lost connection; it says nothing against the photos.
                cause = error if transient_cause(error) else ConnectionError(one_line(error))
                raise ImageError(f"{self.name}: cannot be read ({one_line(error, 200)})") from cause
            self._position = start + self.window
            self._windows = {**dict(list(self._windows.items())[-1:]), number: found}
        return self._windows[number]

    def _values(self, start: int) -> Iterator[Any]:
        # Not by iterating over the stream itself: in a data worker, that would give a part of it.
        for batch in self._stream.skip(start).iter(_CHUNK):
            yield from batch[self._column]


def _open(path: str, name: str | None, split: str) -> "tuple[datasets.IterableDataset, int | None]":
    """Return a stream, and how many examples it has, if that is known."""
    import datasets

    place = Path(path)
    if not place.exists():
        if path.startswith((".", "/", "~")) or path.count("/") != 1:
            raise DataError(
                f"{path}: neither a folder nor the name of a data set on the Hub, such as user/name"
            )
        stream = datasets.load_dataset(path, name, split=split, streaming=True)
        known = (stream.info.splits or {}).get(split)
        return stream, known.num_examples if known is not None else None
    if (place / "state.json").is_file() or (place / "dataset_dict.json").is_file():
        saved = datasets.load_from_disk(path)
        if isinstance(saved, datasets.DatasetDict):
            _check_split(path, split, saved)
            saved = saved[split]
        return saved.to_iterable_dataset(), len(saved)
    if files := _parquet_files(place, name, split):
        from pyarrow import parquet

        names = [glob.escape(file) for file in files]  # which the library takes for patterns
        stream = datasets.load_dataset("parquet", data_files=names, split="train", streaming=True)
        return stream, sum(parquet.read_metadata(file).num_rows for file in files)
    stream = datasets.load_dataset("imagefolder", data_dir=glob.escape(path), split=split, streaming=True)
    return stream, sum(len(batch["image"]) for batch in _undecoded(stream, "image").iter(1000))


def _parquet_files(place: Path, name: str | None, split: str) -> list[str]:
    """Return the Parquet files of a split: by their names, as Hugging Face's library tells splits apart."""
    import datasets

    if place.is_file():
        return [str(place)]
    if next(place.rglob("*.parquet"), None) is None:
        return []
    if name is None:
        builder = datasets.load_dataset_builder("parquet", data_dir=glob.escape(str(place)))
    else:
        builder = datasets.load_dataset_builder(str(place), name)
    files = {str(key): list(map(str, found)) for key, found in builder.config.data_files.items()}
    files = {key: [file for file in found if file.endswith(".parquet")] for key, found in files.items()}
    if split == "all":
        return [file for found in files.values() for file in found]
    _check_split(str(place), split, files)
    return files[split]


def _check_split(path: str, split: str, known: Collection[str]) -> None:
    if split not in known:
        raise DataError(f"{path}: has no split {split}; splits: {', '.join(known)}")


def _undecoded(stream: "datasets.IterableDataset", column: str) -> "datasets.IterableDataset":
    """Return a stream of files' contents instead of images, which ganstyle decodes upright and in sRGB."""
    import datasets

    is_image = isinstance((stream.features or {}).get(column), datasets.Image)
    return stream.cast_column(column, datasets.Image(decode=False)) if is_image else stream


def _find_column(path: str, stream: "datasets.IterableDataset", wanted: str | None) -> str:
    import datasets

    features = stream.features or {}
    images: list[str] = [name for name, feature in features.items() if isinstance(feature, datasets.Image)]
    names = ", ".join(features) or "none is known"
    if wanted is not None:
        if features and wanted not in features:
            raise DataError(f"{path}: has no column {wanted}; columns: {names}")
        return wanted
    if not images:
        raise DataError(f"{path}: has no column of images; name one by content.column ({names})")
    return images[0]
