"""Octaves: an image and its halves, on which losses see forms larger than a network's receptive field."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, pad

Halving = Callable[[Tensor], Tensor]
"""From (B, C, H, W) to (B, C, H/2, W/2)."""

SMALLEST_SIDE = 16
"""Shorter side in pixels below which an octave is left out: relu3_3 would have fewer than 4x4 positions."""


def average_halving(image: Tensor) -> Tensor:
    """Halve an image by 2x2 averages, for measuring. The last row or column of an odd side is dropped."""
    return avg_pool2d(image, 2)


def binomial_halving(image: Tensor) -> Tensor:
    """Halve an image by the binomial filter (1, 3, 3, 1) / 8, for losses.

    2x2 averages let through much of what the half cannot show, and their blocks do not overlap. So the losses
    of the halves can be lowered with single rows and columns of pixels, in a grid of the blocks' period:
    measured with L-BFGS on four octaves at 192 px, total variation doubles within 100 steps, and the grid is
    visible. With this filter there is none. Generators, whose strides are the same powers of two, learn
    such a grid as well.
    """
    weights = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=image.dtype, device=image.device) / 8
    channels = image.shape[1]
    kernel = (weights[:, None] * weights).expand(channels, 1, 4, 4)
    return conv2d(pad(image, (1, 1, 1, 1), mode="replicate"), kernel, stride=2, groups=channels)


def image_pyramid(image: Tensor, octaves: int, halve: Halving = binomial_halving) -> list[Tensor]:
    """Return an image and its halves, the largest first.

    Args:
        image: (B, 3, H, W) in [0, 1].
        octaves: how many images to return, at least 1. Each but the first needs both sides of at least 2
            pixels before halving.
        halve: how an image is halved; an odd side is rounded down.

    Returns:
        ``octaves`` images, (B, 3, H/2ᵏ, W/2ᵏ), k from 0.

    Source: Snelgrove 2017, "High-resolution multi-scale neural texture synthesis".
    """
    images = [image]
    for _ in range(octaves - 1):
        images.append(halve(images[-1]))
    return images


def usable_pyramid(image: Tensor, octaves: int, halve: Halving = binomial_halving) -> list[Tensor]:
    """Return an image and its halves as `image_pyramid` does, but only as many as it is large enough for."""
    return image_pyramid(image, usable_octaves(min(image.shape[-2:]), octaves), halve)


def usable_octaves(side: int, octaves: int) -> int:
    """Return how many of ``octaves`` an image of a shorter side of ``side`` pixels is large enough for."""
    usable = 1
    while usable < octaves and side // 2**usable >= SMALLEST_SIDE:
        usable += 1
    return usable


def missing_octaves(side: int, octaves: int) -> str | None:
    """Say in one line if an image of a shorter side of ``side`` pixels is too small for ``octaves``."""
    usable = usable_octaves(side, octaves)
    if usable == octaves:
        return None
    return f"{side} px are enough for {usable} of {octaves} octaves; the largest forms are left out"
