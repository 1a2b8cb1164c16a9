"""Strokes that fit the picture: large photos are painted from coarse to fine.

A generator's strokes are a few pixels wide at any size of photo: on a phone's photo they are so fine
that the picture looks tinted, not painted. So a large photo is painted small first. Then it is enlarged and
painted again, which adds the finer brush marks, until it has its full size.
"""

import math
from collections.abc import Callable, Sequence

from torch import Tensor

from ganstyle.images import resize_shorter, with_detail

TRAINED_SIDE = 384
"""Shorter side in pixels of the pictures that a generator is trained on, where its recipe does not say."""

# Larger steps leave a gap between the strokes of one pass and the brush marks of the next; smaller ones only
# take longer: passes grow by this factor in each direction, so all but the last cost 1/9 + 1/81 + … of it.
_LARGEST_STEP = 3.0

# An enlargement this small is not worth its own pass.
_SMALLEST_STEP = 1.25


def pass_sides(shorter: int, stroke_size: float, *, trained_side: int = TRAINED_SIDE) -> list[int]:
    """Return the shorter side of the picture in each pass, in pixels, the full size last.

    Args:
        shorter: the photo's shorter side.
        stroke_size: how large strokes are relative to the picture: 1 as in training, 2 twice as large, 0 as
            fine as the generator paints at full size.
        trained_side: see `TRAINED_SIDE`.
    """
    first = trained_side / stroke_size if stroke_size > 0 else math.inf
    growth = shorter / first
    if growth <= _SMALLEST_STEP:
        return [shorter]
    steps = math.ceil(math.log(growth) / math.log(_LARGEST_STEP) - 1e-9)
    return [max(1, round(first * growth ** (step / steps))) for step in range(steps)] + [shorter]


def paint_coarse_to_fine(paint: Callable[[Tensor], Tensor], photo: Tensor, sides: Sequence[int]) -> Tensor:
    """Paint a photo small, and then again at each larger size.

    What a pass paints is the pass before, enlarged, with the photo's finer detail: so edges and faces are as
    crisp as the photo's. Of its result only what is finer than the pass before is taken: so colors and large
    strokes do not drift from pass to pass.

    Args:
        paint: maps (B, 3, H, W) in [0, 1] to the same.
        photo: (B, 3, H, W) in [0, 1].
        sides: the shorter side in each pass; see `pass_sides`.

    Returns:
        (B, 3, H, W) in [0, 1].
    """
    *coarse, _ = sides
    picture: Tensor | None = None
    for side in coarse:
        picture = _paint_over(paint, resize_shorter(photo, side), picture)
    return _paint_over(paint, photo, picture)


def _paint_over(paint: Callable[[Tensor], Tensor], photo: Tensor, before: Tensor | None) -> Tensor:
    if before is None:
        return paint(photo)
    return with_detail(before, paint(with_detail(before, photo)))
