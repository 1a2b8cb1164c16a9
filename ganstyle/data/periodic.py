"""Crops without edges: what a generator is trained on, so that it cannot know where a picture ends.

A generator that sees where its input ends, by the padding there, learns to paint a frame: it meets the style
loss with the red sky of *The Scream* along the top of every picture, whatever the photo shows there. So crops
are made periodic, their opposite sides fading into each other, and painted with convolutions that wrap around
(`ganstyle.models.wrapping_around`). What is left is a function of the photo alone, wherever it is painted.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def crop_side(size: int) -> int:
    """Return the side of the crops to cut from photos, where losses are to see ``size`` pixels of them."""
    return _period(size) + size // 8


def make_periodic(crops: Tensor, size: int) -> Tensor:
    """Fade the last rows and columns of crops into the first ones, so that the sides fit together.

    Args:
        crops: (B, 3, S, S), with S as `crop_side` gives it.
        size: side of what losses see, in pixels.

    Returns:
        (B, 3, P, P), without a step between the last row and the first one, nor between the columns; P is at
        least ``size``.
    """
    for dim in (-2, -1):
        crops = _fade_ends(crops, _period(size), dim)
    return crops.contiguous()


def random_window(images: Sequence[Tensor], size: int, rng: np.random.Generator) -> list[Tensor]:
    """Cut the same square from all images, which are periodic, at a random place: what losses see.

    The random place takes it off the lattice of blocks of 2, 4 and 8 pixels, in which the feature network's
    pooling and the octaves of the losses see an image; where these are always the blocks of the generator's
    own strides, it learns to paint rows of marks that suit them only.

    Args:
        images: each (B, 3, H, W), H and W at least ``size``; all are cut alike.
        size: side of the square in pixels.
        rng: draws the place.

    Returns:
        Each image as (B, 3, size, size).
    """
    top, left = (int(rng.integers(side)) for side in images[0].shape[-2:])
    return [image.roll((-top, -left), (-2, -1))[..., :size, :size] for image in images]


def _period(size: int) -> int:
    # One pixel less than a multiple of 8 for the usual sizes: the lean generator repeats at least one pixel.
    return max(size, size + size // 8 - 1)


def _fade_ends(crops: Tensor, period: int, dim: int) -> Tensor:
    length = crops.shape[dim] - period
    if length == 0:
        return crops
    first, rest = crops.narrow(dim, 0, length), crops.narrow(dim, length, period - length)
    beyond = crops.narrow(dim, period, length)
    share = torch.arange(length, device=crops.device, dtype=crops.dtype) / length
    faded = torch.lerp(beyond, first, share if dim == -1 else share.unsqueeze(-1))
    return torch.cat([faded, rest], dim)
