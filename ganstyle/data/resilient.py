"""Getting on with a data set in which some images turn out to be broken."""

import warnings
from collections.abc import Callable

from torch import Tensor
from torch.utils.data import Dataset

from ganstyle.errors import DataError, ImageError


class Readable(Dataset[Tensor]):
    """Reads images by index and puts the next good one in the place of one that does not decode.

    Which image takes the place depends on nothing but the data, so a training run stays reproducible. A
    warning tells of the first broken image, once per process.

    Args:
        read: returns image ``i`` as (3, H, W) in [0, 1], or raises `ImageError`.
        length: the number of images, at least 1.
        name: what to call the data set in messages.
    """

    def __init__(self, read: Callable[[int], Tensor], length: int, name: str) -> None:
        self.read = read
        self.length = length
        self.name = name
        self.broken: set[int] = set()

    def __len__(self) -> int:
        """Return the number of images, broken ones included."""
        return self.length

    def __getitem__(self, index: int) -> Tensor:
        """Return image ``index``, or the first good one after it (the data set taken as a ring).

        Returns:
            (3, H, W) in [0, 1].

        Raises:
            IndexError: ``index`` is not from 0 to ``length - 1``.
            DataError: no image at all can be decoded.
        """
        if not 0 <= index < self.length:
            raise IndexError(f"{self.name}: no image {index} among {self.length}")
        for step in range(self.length):
            place = (index + step) % self.length
            if place in self.broken:
                continue
            try:
                return self.read(place)
            except ImageError as error:
                self._note(place, error)
        raise DataError(f"{self.name}: none of the {self.length} images can be decoded; check the files")

    def _note(self, place: int, error: ImageError) -> None:
        if not self.broken:
            warnings.warn(f"{error} (images of this kind are replaced by the next good one)", stacklevel=4)
        self.broken.add(place)
