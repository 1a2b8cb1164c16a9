"""Strength for generators trained without it: blend photo and painting octave by octave."""

import torch
from kornia.geometry.transform import build_pyramid
from torch import Tensor
from torch.nn import functional as F

_LEVELS = 6  # the coarsest octave of a 512-pixel image is 16 pixels wide: colors, but no strokes


def blend_octaves(photo: Tensor, painting: Tensor, strength: float) -> Tensor:
    """Interpolate from a photo to its painting, or extrapolate, with a weight for each octave.

    Mixing pixels shows both pictures at once: the photo's edges shine through the strokes. So the difference
    is split into the octaves of a Laplacian pyramid (Burt and Adelson 1983). Below 1, the finest octave is
    weighted with √s and the coarsest with s, so that strokes stay visible when half of the photo's colors are
    back. Above 1, strokes are amplified and coarse colors are not, which would only oversaturate them.

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
    change = octaves[-1] * _weight(strength, 0.0)
    for level in reversed(range(levels - 1)):
        size = octaves[level].shape[-2:]
        coarser = _enlarge(octaves[level + 1], size)
        weight = _weight(strength, 1 - level / (levels - 1))
        change = _enlarge(change, size) + weight * (octaves[level] - coarser)
    return (photo + change).clamp(0, 1)


def _weight(strength: float, fineness: float) -> float:
    """Return an octave's weight; ``fineness`` is 0 for the coarsest and 1 for the finest."""
    if strength <= 1:
        return float(strength ** (1 - fineness / 2))
    return 1 + (strength - 1) * fineness


def _enlarge(x: Tensor, size: torch.Size) -> Tensor:
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)
