"""Strength for a generator that was trained without it: a painting faded band by band."""

import torch
from kornia.geometry.transform import build_pyramid
from torch import Tensor
from torch.nn import functional as F

_LEVELS = 6  # the coarsest band of an image of 512 pixels is 16 pixels wide: its colors, and no strokes


def fade(photo: Tensor, painting: Tensor, strength: float) -> Tensor:
    """Move from a photo to its painting and beyond, fine strokes and coarse colors at their own pace.

    To mix pixels is to show both pictures at once: the photo's edges shine through the strokes. So the
    difference between the two is split into the octaves of a Laplacian pyramid (Burt and Adelson 1983).
    Below 1 the fine octaves stay closer to the painting, as √s of it, while the coarsest follow s: the
    brush is still seen when half of the photo's colors are back. Above 1 the strokes are amplified and
    the coarse colors stay as they are, which would only turn gaudy.

    Args:
        photo: (B, 3, H, W) in [0, 1].
        painting: of the same shape.
        strength: 0 gives the photo and 1 the painting, both to the bit.

    Returns:
        (B, 3, H, W) in [0, 1].
    """
    if strength == 1:
        return painting
    if strength == 0:
        return photo
    levels = min(_LEVELS, min(photo.shape[-2:]).bit_length())
    octaves = build_pyramid(painting - photo, levels, border_type="replicate")
    change = octaves[-1] * _share(strength, 0.0)
    for level in reversed(range(levels - 1)):
        size = octaves[level].shape[-2:]
        coarser = _enlarge(octaves[level + 1], size)
        share = _share(strength, 1 - level / (levels - 1))
        change = _enlarge(change, size) + share * (octaves[level] - coarser)
    return (photo + change).clamp(0, 1)


def _share(strength: float, fineness: float) -> float:
    """Return how much of an octave's difference is taken; ``fineness``: 0 the coarsest, 1 the finest."""
    if strength <= 1:
        return float(strength ** (1 - fineness / 2))
    return 1 + (strength - 1) * fineness


def _enlarge(x: Tensor, size: torch.Size) -> Tensor:
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)
