"""Norm statistics of a whole picture, collected from tiles of it that are painted at the same time."""

from collections.abc import Callable, Iterator, Sequence

import torch
from greenlet import getcurrent, greenlet
from torch import Tensor, nn

from ganstyle.models import InstanceNorm
from ganstyle.stylize.grid import Tile


class SharedStatistics:
    """Gives a generator's norms the mean and variance of whole maps, though it only ever sees tiles.

    Each norm needs the statistics of the map before it, which depend on those of all norms before. So tiles
    are painted in step: each one runs up to the first norm and waits there. When all have arrived, their
    moments are pooled, and each one runs on up to the next norm. Every tile is painted once, and the
    statistics are exact if the tiles cover the picture (up to rounding, whatever their size).

    The tiles that wait are coroutines (`greenlet`), not threads: one runs at a time, in a fixed order, and
    the network's code does not know that it is interrupted. For each pixel of the tiles, the maps that wait
    and their inputs are held in memory.

    Args:
        generator: changed in place, so give a copy.
    """

    def __init__(self, generator: nn.Module) -> None:
        self._tile: Tile | None = None
        self._known: list[tuple[Tensor, Tensor]] = []  # of each norm, in the order of execution
        self._moments: list[tuple[int, Tensor, Tensor]] = []
        self._next = 0
        for module in generator.modules():
            if isinstance(module, InstanceNorm):
                module.statistics = self

    def paint_in_step(
        self, paint: Callable[[Tensor], Tensor], tiles: Sequence[Tile], read: Callable[[Tile], Tensor]
    ) -> Iterator[tuple[Tile, Tensor]]:
        """Paint tiles together, from their common statistics, which are kept for `paint_alone`.

        Args:
            paint: the generator, (B, 3, h, w) to the same.
            tiles: the tiles.
            read: returns what of the photo a tile sees.

        Yields:
            Each tile with its own part of the picture.
        """
        self._known.clear()
        waiting = [(tile, greenlet(lambda tile=tile: paint(read(tile)))) for tile in tiles]
        while waiting:
            for tile, task in waiting:
                self._tile = tile
                result = task.switch()
                if task.dead:
                    yield tile, tile.cut(result)
            waiting = [(tile, task) for tile, task in waiting if not task.dead]
            if waiting:
                self._known.append(_pool(self._moments))
                self._moments.clear()
        self._tile = None

    def paint_alone(self, paint: Callable[[Tensor], Tensor], tile: Tile, seen: Tensor) -> Tensor:
        """Paint one more tile with the statistics of those painted in step, and return its own part."""
        self._next = 0
        return tile.cut(paint(seen))

    def __call__(self, part: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and variance, (C,), of the map that ``part`` is from; see `InstanceNorm.statistics`."""
        if self._tile is None:
            self._next += 1
            return self._known[self._next - 1]
        own = self._tile.cut(part)
        variance, mean = torch.var_mean(own, (0, 2, 3), correction=0)
        self._moments.append((own[0, 0].numel(), mean, variance))
        getcurrent().parent.switch()
        return self._known[-1]


def _pool(moments: Sequence[tuple[int, Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Combine the means and variances of parts of different size (Chan et al. 1983), in float64."""
    counts = torch.tensor([count for count, _, _ in moments], dtype=torch.float64)
    weights = (counts / counts.sum()).unsqueeze(1)
    means = torch.stack([mean for _, mean, _ in moments]).cpu().double()
    variances = torch.stack([variance for _, _, variance in moments]).cpu().double()
    mean = (weights * means).sum(0)
    variance = (weights * (variances + (means - mean) ** 2)).sum(0)
    first = moments[0][1]
    return mean.to(first.device, first.dtype), variance.to(first.device, first.dtype)
