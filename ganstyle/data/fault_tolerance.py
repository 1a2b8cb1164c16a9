"""Reading on when some images of a data set cannot be read, for a moment or for good."""

import warnings
from collections.abc import Callable
from time import monotonic, sleep

from torch import Tensor
from torch.utils.data import Dataset

from ganstyle.data.transient import transient_cause
from ganstyle.errors import DataError, ImageError

PATIENCE = {"disk": 30.0, "read": 10.0, "missing": 3.0}
"""Seconds that a read is retried: the disk is gone, it reports an error, or it lacks just this file."""

_FIRST_DELAY, _LONGEST_DELAY = 0.1, 2.0  # seconds between two tries; doubled after each
_PROBES = 8  # images that are looked for to tell a missing folder from a missing disk


class FaultTolerantDataset(Dataset[Tensor]):
    """Reads images by index, retries reads that fail for a moment, and replaces images that stay unreadable.

    A damaged image is replaced by the next good one. Which one that is depends only on the data, so a
    training run stays reproducible. Reads that fail because of the disk or the network are retried for some
    seconds first; see `transient_cause`. An image that still cannot be read then is skipped this time. If the
    whole data set is out of reach, that is an error, since skipping every image would only hide it.

    A warning reports the first skipped image, and the number of images at every power of ten.

    Args:
        read: returns image ``i`` as (3, H, W) in [0, 1], or raises `ImageError`.
        length: the number of images, at least 1.
        name: what to call the data set in messages.
        reachable: returns whether the disk that image ``i`` is stored on still answers.
    """

    def __init__(
        self,
        read: Callable[[int], Tensor],
        length: int,
        name: str,
        reachable: Callable[[int], bool] | None = None,
    ) -> None:
        self.read = read
        self.length = length
        self.name = name
        self.reachable = reachable
        self.broken: set[int] = set()
        self._skipped: set[int] = set()
        self._failed_waits = dict.fromkeys(PATIENCE, 0)

    def __len__(self) -> int:
        """Return the number of images, broken ones included."""
        return self.length

    def __getitem__(self, index: int) -> Tensor:
        """Return image ``index``, or the first readable one after it (the data set is treated as a ring).

        Returns:
            (3, H, W) in [0, 1].

        Raises:
            IndexError: ``index`` is not from 0 to ``length - 1``.
            DataError: no image at all can be read, or the disk has stopped answering.
        """
        if not 0 <= index < self.length:
            raise IndexError(f"{self.name}: no image {index} among {self.length}")
        for step in range(self.length):
            place = (index + step) % self.length
            if place in self.broken:
                continue
            try:
                return self._read_with_retries(place)
            except ImageError as error:
                if transient_cause(error) is None:
                    self.broken.add(place)
                self._report(place, error)
        raise DataError(f"{self.name}: none of the {self.length} images can be read; check the files")

    def _read_with_retries(self, index: int) -> Tensor:
        started, delay, announced = monotonic(), _FIRST_DELAY, False
        while True:
            try:
                image = self.read(index)
            except ImageError as error:
                if transient_cause(error) is None:
                    raise
                waited = monotonic() - started
                kind = self._kind(index, error)
                # Less after each failed wait, so that their sum is limited: a whole folder may be deleted.
                left = PATIENCE[kind] * 0.5 ** self._failed_waits[kind] - waited
                if left < _FIRST_DELAY:
                    self._failed_waits[kind] += 1
                    self._check_reachable(error, waited)
                    raise
                if waited > 1 and not announced:
                    warnings.warn(f"{error}; retrying for a few seconds", stacklevel=3)
                    announced = True
            else:
                if delay > _FIRST_DELAY:
                    self._failed_waits = dict.fromkeys(PATIENCE, 0)
                return image
            # Outside the handler: the next error must not have this one in its context.
            sleep(min(delay, left))
            delay = min(2 * delay, _LONGEST_DELAY)

    def _kind(self, index: int, error: ImageError) -> str:
        if self.reachable is not None and not self.reachable(index):
            return "disk"
        return "missing" if isinstance(transient_cause(error), FileNotFoundError) else "read"

    def _check_reachable(self, error: ImageError, waited: float) -> None:
        """Raise DataError if no image is within reach."""
        if self.reachable is None:
            return
        probes = range(0, self.length, max(1, self.length // _PROBES))
        if not any(self.reachable(index) for index in probes):
            raise DataError(
                f"{self.name}: cannot be reached, after {waited:.0f} seconds of trying ({error}); "
                "make the disk available and start the same command again"
            ) from error

    def _report(self, index: int, error: ImageError) -> None:
        if index in self._skipped:
            return
        self._skipped.add(index)
        count = len(self._skipped)
        if count == 1:
            warnings.warn(f"{error} (skipped, as are other unreadable ones)", stacklevel=3)
        elif str(count).strip("0") == "1":
            warnings.warn(
                f"{self.name}: {count} of {self.length} images skipped so far; the last: {error}",
                stacklevel=3,
            )
