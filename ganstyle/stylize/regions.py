"""Where in a photo each of several styles paints: masks with soft edges, whose weights sum to 1."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor

from ganstyle.errors import GanstyleError, ImageError
from ganstyle.images import resize_shorter
from ganstyle.stylize.controls import check_mask, check_proportions, resize_mask

DEFAULT_FEATHER = 2.0
"""Width of a region's soft edge, in percent of the picture's shorter side."""

_LARGEST_SIGMA = 4.0  # pixels; a wider blur is computed on a reduced mask, which loses nothing
_BLACK = 0.5 / 255


@dataclass(frozen=True, eq=False)
class Region:
    """A part of the picture.

    Attributes:
        mask: (1, 1, h, w) in [0, 1], with soft edges; 1 is inside.
        size: height and width of the mask that was given, in pixels.
        name: what errors call it.
    """

    mask: Tensor
    size: tuple[int, int]
    name: str

    def check(self, size: tuple[int, int]) -> None:
        """Check that it fits a photo of this height and width.

        Raises:
            ImageError: the proportions differ.
        """
        try:
            check_proportions(self.size, size)
        except ImageError as error:
            raise ImageError(f"{self.name}: {error}") from error

    def fit(self, size: tuple[int, int]) -> Tensor:
        """Return the mask at a photo's height and width, (1, 1, H, W) in [0, 1].

        Raises:
            ImageError: the proportions differ.
        """
        self.check(size)
        return resize_mask(self.mask, size)


def make_region(mask: Tensor, *, feather: float = DEFAULT_FEATHER, name: str = "the mask") -> Region:
    """Make a region of a mask.

    Args:
        mask: (1, 1, H, W) in [0, 1]; 1 is inside.
        feather: width of the soft edge, in percent of the shorter side; 0 keeps the mask's own edges.
        name: what errors call it.

    Raises:
        GanstyleError: the mask is black, or the feather is out of range.
        ValueError: the mask has another shape, or values out of range.
    """
    check_mask(mask)
    if not 0 <= feather <= 100:
        raise GanstyleError(f"feather {feather:g}: give a percentage from 0 to 100")
    if mask.max() < _BLACK:
        raise GanstyleError(f"{name}: is all black, so nothing would be painted there; make the region white")
    size = (mask.shape[-2], mask.shape[-1])
    return Region(soften(mask.float(), feather), size, name)


def soften(mask: Tensor, feather: float) -> Tensor:
    """Blur a mask's edges; masks that sum to 1 everywhere still do.

    By a Gaussian whose deviation is a quarter of the edge's width, so that 95 % of the step lie within it.
    A large mask is reduced first, as far as the blur hides it.

    Args:
        mask: (1, 1, H, W) in [0, 1].
        feather: width of the edge, in percent of the shorter side.

    Returns:
        (1, 1, h, w) in [0, 1].
    """
    relative = feather / 400
    shorter = min(mask.shape[-2:])
    if relative * shorter > _LARGEST_SIGMA:
        shorter = math.ceil(_LARGEST_SIGMA / relative)
        mask = resize_shorter(mask, shorter)
    sigma = relative * shorter
    if sigma < 0.1:  # of a pixel: changes no level
        return mask
    side = 2 * math.ceil(3 * sigma) + 1
    blurred: Tensor = gaussian_blur2d(mask, (side, side), (sigma, sigma), border_type="replicate")
    return blurred.clamp(0, 1)


def share_out(masks: Sequence[Tensor]) -> tuple[list[Tensor], Tensor]:
    """Return the weight of each mask, and that of the uncovered rest; they sum to 1 everywhere.

    Where masks overlap by more than 1 in all, their weights are divided by the sum.

    Args:
        masks: (1, 1, H, W) each, in [0, 1].
    """
    total = torch.stack(list(masks)).sum(0)
    divisor = total.clamp_min(1)
    return [mask / divisor for mask in masks], (1 - total).clamp_min(0)
