"""The order of training samples: an endless sequence whose state is a single integer."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from ganstyle.data.rng import Stream, sample_rng


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw: an image's index, and the epoch it is drawn in."""

    epoch: int
    index: int


class EndlessSampler(Sampler[Draw]):
    """Shuffles a data set again each epoch, endlessly.

    The draws form one global sequence: position ``p`` belongs to epoch ``p // length`` and is element
    ``p % length`` of that epoch's permutation. Rank ``r`` takes positions ``start + r``,
    ``start + r + world_size``, and so on. The total number of samples drawn by all ranks is therefore the
    whole state of the data order, and two ranks with batches of 2 see the same samples as one process with
    batches of 4.

    With a window, an epoch's permutation only mixes images of the same window, and windows come in order.
    That is for images that can only be read as a stream.

    Args:
        length: the number of images, at least 1.
        seed: determines every epoch's permutation, at least 0.
        start: the number of samples already drawn by all ranks together.
        rank: which process this is, from 0 to ``world_size - 1``.
        world_size: how many processes share the draws.
        window: how many images are shuffled at a time; None: all.

    Raises:
        ValueError: a number is out of range.
    """

    def __init__(
        self,
        length: int,
        *,
        seed: int,
        start: int = 0,
        rank: int = 0,
        world_size: int = 1,
        window: int | None = None,
    ) -> None:
        if length < 1:
            raise ValueError(f"length must be >= 1: {length}")
        if seed < 0 or start < 0:
            raise ValueError(f"seed and start must be >= 0: {seed}, {start}")
        if not 0 <= rank < world_size:
            raise ValueError(f"rank must be from 0 to world_size - 1: {rank} of {world_size}")
        if window is not None and window < 1:
            raise ValueError(f"window must be >= 1: {window}")
        self.length = length
        self.window = window
        self.seed = seed
        self.start = start
        self.rank = rank
        self.world_size = world_size

    def __iter__(self) -> Iterator[Draw]:
        """Yield this rank's draws without end; every iterator begins at ``start``."""
        position = self.start + self.rank
        while True:
            epoch = position // self.length
            order = self._order(epoch)
            end = (epoch + 1) * self.length
            while position < end:
                yield Draw(epoch, int(order[position % self.length]))
                position += self.world_size

    def _order(self, epoch: int) -> NDArray[np.int64]:
        rng = sample_rng(self.seed, epoch, 0, Stream.ORDER)
        if self.window is None:
            return rng.permutation(self.length)
        starts = range(0, self.length, self.window)
        return np.concatenate(
            [start + rng.permutation(min(self.window, self.length - start)) for start in starts]
        )
