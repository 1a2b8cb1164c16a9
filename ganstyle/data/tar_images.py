"""WebDataset shards as a content source, by index: the photo of each sample."""

import warnings
from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ganstyle.data.fault_tolerance import FaultTolerantDataset
from ganstyle.data.shards import find_shards, read_index
from ganstyle.errors import DataError, ImageError
from ganstyle.images import decode_image


class ShardImages(FaultTolerantDataset):
    """The photos of shards, one shard after the other.

    The shards' headers are read once, so that each photo can be read by itself. So training draws from all of
    them in random order, and resumes to the bit, as from a folder. A shard that was cut off is left out, with
    a warning.

    Args:
        path: a pattern such as ``photos-{000..099}.tar``, see `ganstyle.data.shards.find_shards`.

    Raises:
        DataError: a shard is missing, or there is no photo.
        MissingExtraError: webdataset is not installed.
    """

    def __init__(self, path: str | Path) -> None:
        found = find_shards(path)
        missing = next((shard for shard in found if not shard.exists()), None)
        if missing is not None:
            raise DataError(f"{missing}: no such shard; give content.path a pattern of those that exist")
        with ThreadPoolExecutor(4) as pool:  # hides the latency of network disks
            places = list(pool.map(_find_photos, found))
        problems = [place for place in places if isinstance(place, DataError)]
        good = [
            (shard, place)
            for shard, place in zip(found, places, strict=True)
            if not isinstance(place, DataError)
        ]
        for problem in problems:
            warnings.warn(f"{problem} (left out)", stacklevel=2)
        self.shards = [shard for shard, place in good if len(place)]
        self.places = [place for _, place in good if len(place)]
        if not self.shards:
            reason = (
                f"; the first: {problems[0]}" if problems else "; give samples with a .jpg, .png or .webp"
            )
            raise DataError(f"{path}: none of its {len(found)} shards holds a photo that can be read{reason}")
        self.ends = list(accumulate(map(len, self.places)))
        super().__init__(self._read, self.ends[-1], str(path), self._reachable)

    def _read(self, index: int) -> Tensor:
        which = bisect_right(self.ends, index)
        shard, place = self.shards[which], index - (self.ends[which] - len(self.places[which]))
        offset, size = map(int, self.places[which][place])
        name = f"{shard}: photo {place}"
        try:
            with shard.open("rb") as file:
                file.seek(offset)
                data = file.read(size)
        except OSError as error:
            raise ImageError(f"{name}: cannot be read ({error.strerror or error})") from error
        return decode_image(data, name)[0]

    def _reachable(self, index: int) -> bool:
        return self.shards[bisect_right(self.ends, index)].is_file()


def _find_photos(shard: Path) -> NDArray[np.int64] | DataError:
    """Return offset and size of a shard's photos, (N, 2); or what is wrong with it."""
    try:
        photos = [sample.photo for sample in read_index(shard)]
    except DataError as error:
        return error
    return np.array([(p.offset, p.size) for p in photos if p is not None], dtype=np.int64).reshape(-1, 2)
