"""Painting tiles at the same time, so that they share norm statistics and borders as parts of one picture."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from greenlet import getcurrent, greenlet
from torch import Tensor, nn

from ganstyle.devices import release_free_memory
from ganstyle.models import InstanceNorm, Pad, pad
from ganstyle.stylize.borders import Direction, Edges, surround
from ganstyle.stylize.grid import Tile, find_neighbors

_TRIM = 3  # norms after which the gaps that smaller maps leave are returned: more often takes time
_ROWS = 64  # of a map, whose moments are computed at a time


@dataclass(eq=False)
class _Task:
    """A tile that is being painted.

    Attributes:
        tile: which.
        paint: its coroutine.
        norms: how many norms it has passed.
    """

    tile: Tile
    paint: greenlet
    norms: int = 0


class SharedStatistics:
    """Gives a generator's norms the mean and variance of whole maps, though it only ever sees tiles.

    Each norm needs the statistics of the map before it, which depend on those of all norms before. So tiles
    are painted in step: each one runs up to the first norm and waits there. When all have arrived, their
    moments are pooled, and each one runs on up to the next norm. Every tile is painted once, and the
    statistics are exact if the tiles cover the picture (up to rounding, whatever their size). Tiles painted
    after the first ones take their statistics.

    In the same way, tiles that lie side by side can give each other their borders before each convolution.
    Then they need not overlap, and nothing is computed twice.

    The tiles that wait are coroutines (`greenlet`), not threads: one runs at a time, in a fixed order, and
    the network's code does not know that it is interrupted. For each pixel of the tiles, the maps that wait
    and their inputs are held in memory.

    Args:
        generator: changed in place, so give a copy.
    """

    def __init__(self, generator: nn.Module) -> None:
        self._known: list[tuple[Tensor, Tensor]] = []  # of each norm, in the order of execution
        self._moments: list[tuple[int, Tensor, Tensor]] = []
        self._task: _Task | None = None
        self._neighbors: Mapping[Tile, Mapping[Direction, Tile]] | None = None
        self._reaches: Sequence[int] = ()
        self._edges: dict[Tile, Edges] = {}
        self._next_edges: dict[Tile, Edges] = {}
        for module in generator.modules():
            if isinstance(module, InstanceNorm):
                module.statistics = self
            elif isinstance(module, Pad):
                module.borders = self._surround

    def paint(
        self,
        paint: Callable[[Tensor], Tensor],
        tiles: Sequence[Tile],
        read: Callable[[Tile], Tensor],
        *,
        joined: bool = False,
        reaches: Sequence[int] = (),
    ) -> Iterator[tuple[Tile, Tensor]]:
        """Paint tiles in step.

        Args:
            paint: the generator, (B, 3, h, w) to the same.
            tiles: the tiles.
            read: returns what of the photo a tile sees.
            joined: whether the tiles are a picture without gap and overlap, and give each other their
                borders; see `ganstyle.stylize.joining`.
            reaches: how far what each norm is given sees, in pixels, if the tiles are a sample: all that a
                tile is painted on then counts, up to where its ends are felt. If empty, only the tile counts.

        Yields:
            Each tile with its own part of the picture.
        """
        self._neighbors = find_neighbors(tiles) if joined else None
        self._reaches = reaches
        waiting = [_Task(tile, greenlet(lambda tile=tile: paint(read(tile)))) for tile in tiles]
        while waiting:
            self._edges, self._next_edges = self._next_edges, {}
            for task in waiting:
                self._task = task
                result = task.paint.switch()
                if task.paint.dead:
                    yield task.tile, task.tile.cut(result)
            waiting = [task for task in waiting if not task.paint.dead]
            if self._moments:
                self._known.append(_pool(self._moments))
                self._moments.clear()
                if len(self._known) % _TRIM == 1:
                    release_free_memory()
        self._edges.clear()

    def __call__(self, part: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and variance, (C,), of the map that ``part`` is from; see `InstanceNorm.statistics`."""
        assert self._task is not None
        number = self._task.norms
        self._task.norms += 1
        if number == len(self._known):
            tile = self._task.tile
            counted = tile.unaffected(self._reaches[number]) if self._reaches else tile
            parts = torch.split(counted.cut(part), _ROWS, dim=-2)
            self._moments.extend(map(_moments, parts))
            getcurrent().parent.switch()
        return self._known[number]

    def _surround(self, part: Tensor, amount: int) -> Tensor:
        """Return a tile's part of a map with its surroundings; see `Pad.borders`."""
        assert self._task is not None
        if self._neighbors is None or amount == 0:
            return pad(part, amount)
        tile = self._task.tile
        own = tile.cut(part)
        self._next_edges[tile] = Edges.of(own, amount)
        getcurrent().parent.switch()
        around = self._neighbors[tile]
        return surround(own, amount, {where: self._edges[other] for where, other in around.items()})


def _moments(part: Tensor) -> tuple[int, Tensor, Tensor]:
    """Return the number of pixels of (1, C, h, w), and the mean and variance of its channels, both (C,)."""
    # Group norm computes both on its way, eight times as fast on a CPU as `torch.var_mean` does.
    pixels, channels = part[0, 0].numel(), part.shape[1]
    _, mean, reciprocal = torch.native_group_norm(
        part.contiguous(), None, None, 1, channels, pixels, channels, 0.0
    )
    return pixels, mean.flatten(), reciprocal.flatten() ** -2


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
