"""Controls at inference time: strength, stroke size, color preservation and a mask."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ganstyle.errors import GanstyleError, ImageError
from ganstyle.images import read_image, resize
from ganstyle.images.color import luminance
from ganstyle.images.convert import outside_unit_range
from ganstyle.models import MAX_STRENGTH

MAX_STROKE_SIZE = 4.0
"""The largest strokes relative to those of the training; larger ones leave nothing of a photo."""

FINE = 0.0
"""The stroke size of a single pass at full size: strokes of the same number of pixels at any size."""


@dataclass(frozen=True, eq=False)
class Controls:
    """How to stylize a photo.

    Attributes:
        strength: 0 gives the photo, 1 what the style was trained for; up to ``MAX_STRENGTH``.
        stroke_size: how large strokes are relative to the picture: 1 as in training, 2 twice as large; 0 as
            fine as the generator paints at the photo's full size. At most ``MAX_STROKE_SIZE``.
        preserve_color: keep the photo's colors, and take only light and dark from the painting.
        mask: (1, 1, H, W) in [0, 1]; 1 is painted, 0 stays the photo. Of the photo's size or proportions.

    Raises:
        GanstyleError: the strength or the stroke size is out of range.
        ValueError: the mask has another shape, or values out of range.
    """

    strength: float = 1.0
    preserve_color: bool = False
    mask: Tensor | None = None
    stroke_size: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= MAX_STRENGTH:
            raise GanstyleError(f"strength {self.strength:g}: give a number from 0 to {MAX_STRENGTH:g}")
        if not 0 <= self.stroke_size <= MAX_STROKE_SIZE:
            raise GanstyleError(
                f"stroke size {self.stroke_size:g}: give a number from 0 (fine) to {MAX_STROKE_SIZE:g}"
            )
        if self.mask is not None:
            check_mask(self.mask)


PLAIN = Controls()
"""The style as it was trained."""


def parse_stroke_size(text: str) -> float:
    """Read a stroke size as users write it: a number, or ``fine``.

    Raises:
        GanstyleError: it is neither.
    """
    if text == "fine":
        return FINE
    try:
        return float(text)
    except ValueError:
        raise GanstyleError(f"stroke size '{text}': give a number such as 1.5, or fine") from None


def read_mask(path: str | Path) -> Tensor:
    """Read a mask: white is painted, black stays the photo, gray is in between.

    Returns:
        (1, 1, H, W) in [0, 1].

    Raises:
        ImageError: the file cannot be read.
    """
    return luminance(read_image(path))


def fit_mask(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize a mask to a photo's size. Their proportions must agree, up to the rounding of whole pixels.

    Args:
        mask: (1, 1, H, W) in [0, 1].
        size: the photo's (height, width) in pixels.

    Raises:
        ImageError: the proportions differ.
    """
    check_proportions((mask.shape[-2], mask.shape[-1]), size)
    return resize_mask(mask, size)


def resize_mask(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize a mask, (1, 1, H, W) in [0, 1], whatever its proportions."""
    return resize(mask.expand(-1, 3, -1, -1), size)[:, :1]


def check_proportions(mask: tuple[int, int], photo: tuple[int, int]) -> None:
    """Check that a mask has a photo's proportions, by their (height, width); see `fit_mask`."""
    # Each side may have been rounded by half a pixel, whichever of the two was made from the other.
    tolerance = max(sum(mask), sum(photo)) / 2
    if abs(mask[0] * photo[1] - mask[1] * photo[0]) > tolerance:
        raise ImageError(
            f"the mask has {mask[1]}x{mask[0]} pixels and the photo {photo[1]}x{photo[0]}; "
            "give a mask with the photo's aspect ratio"
        )


def check_mask(mask: Tensor) -> None:
    """Check a mask's shape, (1, 1, H, W), and range.

    Raises:
        ValueError: one of them is wrong.
    """
    if mask.ndim != 4 or mask.shape[:2] != (1, 1) or 0 in mask.shape or not mask.is_floating_point():
        raise ValueError(f"expected a floating-point mask of shape (1, 1, H, W), got {tuple(mask.shape)}")
    if values := outside_unit_range(mask):
        raise ValueError(f"a mask's values must be in [0, 1], not {values}")
