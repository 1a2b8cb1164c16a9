"""Octaves: an image and its halves, on which losses see forms larger than a network's receptive field."""

from torch import Tensor
from torch.nn.functional import avg_pool2d

SMALLEST_SIDE = 16
"""Shorter side in pixels below which an octave is left out: relu3_3 would have fewer than 4x4 positions."""


def image_pyramid(image: Tensor, octaves: int) -> list[Tensor]:
    """Return an image and its halves by 2x2 averages, the largest first.

    Where a side is odd, its last row or column is dropped before halving.

    Args:
        image: (B, 3, H, W) in [0, 1].
        octaves: how many images to return, at least 1. Each but the first needs both sides of at least 2
            pixels before halving.

    Returns:
        ``octaves`` images, (B, 3, H/2ᵏ, W/2ᵏ), k from 0.

    Source: Snelgrove 2017, "High-resolution multi-scale neural texture synthesis", with averages in place of
    his Gaussian pyramid.
    """
    images = [image]
    for _ in range(octaves - 1):
        images.append(avg_pool2d(images[-1], 2))
    return images


def usable_octaves(side: int, octaves: int) -> int:
    """Return how many of ``octaves`` an image of a shorter side of ``side`` pixels is large enough for."""
    usable = 1
    while usable < octaves and side // 2**usable >= SMALLEST_SIDE:
        usable += 1
    return usable
