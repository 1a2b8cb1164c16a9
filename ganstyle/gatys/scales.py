"""Coarse to fine: which sizes, and how much of the budget each gets."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from ganstyle.errors import GanstyleError

_COARSEST = 128  # pixels: below this, strokes of a few pixels have no room
_SHARE, _SHARE_FROM_NOISE, _MOST = 0.1, 0.25, 0.5


@dataclass(frozen=True)
class Scale:
    """One scale's part of the work.

    Attributes:
        shorter_side: of the picture, in pixels.
        steps_until: the fraction of all steps, and of a limit on evaluations, spent when it ends.
        seconds_until: the fraction of a limit on seconds spent when it ends.
    """

    shorter_side: int
    steps_until: float
    seconds_until: float


def plan(size: int, scales: str | Sequence[int], *, from_noise: bool = False) -> list[Scale]:
    """Say at which sizes to work, coarsest first, and for how long.

    The last size gets most of the work. What a smaller one finds is a better start for large shapes and
    colors, at a quarter of the cost or less, but strokes must be found again at each size, for the painting
    too is seen at that size. Measured at 256 px after 128 px, in passes of the large size: from the photo,
    15 % of the steps at the small size neither gain nor lose, and 30 % or more lose; from noise, 40 % reach
    the loss of 50 passes in 44.

    Args:
        size: the picture's shorter side at the end, in pixels.
        scales: "auto": halves of the size, down to 128 px; "single"; or the shorter sides, rising, of
            which the last is ``size``.
        from_noise: whether there is nothing in the picture yet.

    Raises:
        GanstyleError: the scales do not rise to the size.
    """
    if size < 1:
        raise GanstyleError(f"size {size}: give a shorter side of at least 1 pixel")
    if scales == "single":
        sides = [size]
    elif scales == "auto":
        sides = [size]
        while sides[0] / 2 >= _COARSEST:
            sides.insert(0, round(sides[0] / 2))
    elif isinstance(scales, str):
        raise GanstyleError(f"scales '{scales}': give auto, single, or sizes in pixels")
    else:
        sides = list(scales)
        if not sides or sides != sorted(set(sides)) or sides[0] < 1 or sides[-1] != size:
            raise GanstyleError(f"scales {sides}: give sizes that rise to the picture's, {size} px")
    coarser = len(sides) - 1
    share = min(_SHARE_FROM_NOISE if from_noise else _SHARE, _MOST / max(coarser, 1))
    shares = [share] * coarser + [1 - share * coarser]
    costs = [share * side**2 for share, side in zip(shares, sides, strict=True)]
    until, cost_until = list(accumulate(shares)), list(accumulate(costs))
    return [
        Scale(side, steps / until[-1], cost / cost_until[-1])
        for side, steps, cost in zip(sides, until, cost_until, strict=True)
    ]
