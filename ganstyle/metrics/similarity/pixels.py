"""Differences between a picture and its photo that need no network."""

from kornia.metrics import ssim
from torch import Tensor

SSIM_WINDOW = 11
"""Side of the Gaussian window in pixels; its standard deviation is 1.5 (Wang et al. 2004)."""


def squared_error(picture: Tensor, photo: Tensor) -> Tensor:
    """Return the mean squared difference of pixels.

    Args:
        picture: (B, 3, H, W) in [0, 1].
        photo: the same shape.

    Returns:
        (B,), from 0 (the same) to 1.
    """
    return (picture - photo).square().flatten(1).mean(1)


def structural_similarity(picture: Tensor, photo: Tensor) -> Tensor:
    """Return SSIM, the mean over channels and pixels.

    Args:
        picture: (B, 3, H, W) in [0, 1], at least 6 pixels a side.
        photo: the same shape.

    Returns:
        (B,), from -1 to 1 (the same).

    Source: Wang et al. 2004, with a Gaussian window; the borders are reflected.
    """
    similarity: Tensor = ssim(picture, photo, SSIM_WINDOW).flatten(1).mean(1)
    return similarity
