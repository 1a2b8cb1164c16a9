"""Rings: small circles in a picture, as a multiple of what its painting has.

A generator that has learned foam, eyes or leaves by their Gram matrices tends to fill every dark texture with
small rings. The matrices hardly see it: they know how often edges, curves and colors occur together, and not
that a curve closes. So what closes is measured here, without a network.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor
from torch.nn import functional as F

_SCALES = ((1.0, 2.5), (1.3, 3.0))
"""Standard deviations in pixels: of a ring's middle, and of the ring as a whole."""

_LEAST = 1e-6
"""Density below which a painting counts as having no rings; photos have some 2e-6."""


@dataclass(frozen=True)
class Rings:
    """The density of rings, relative to a painting's: 1 is "as many, as clear".

    Attributes:
        painting: the painting's own density, above 0; see `ring_density`.
    """

    painting: float

    @classmethod
    @torch.no_grad()
    def from_images(cls, paintings: Sequence[Tensor]) -> "Rings":
        """Measure one painting, or the mean of several.

        Args:
            paintings: each (1, 3, H, W) in [0, 1]; their sizes may differ.
        """
        densities = torch.cat([ring_density(painting) for painting in paintings])
        return cls(max(float(densities.mean()), _LEAST))

    def __call__(self, picture: Tensor) -> Tensor:
        """Return how many times as many rings each picture of (B, 3, H, W) has; (B,), at least 0."""
        return ring_density(picture) / self.painting


def ring_density(image: Tensor) -> Tensor:
    """Say how many rings there are, and how clear they are: the mean over all positions.

    The middle of a ring is brighter than its surroundings at a small scale, and part of something darker than
    its own surroundings at a larger one; or the other way round. A dot is neither. At each scale, what counts
    is the lesser of the two principal curvatures, where both have the same sign: lines and edges curve in one
    direction only.

    Args:
        image: (B, 3, H, W) in [0, 1].

    Returns:
        Shape (B,), at least 0; a photo has some 2e-6. 0 if the shorter side is below 16 pixels.

    Source: scale-normalized second derivatives, Lindeberg 1998, "Feature detection with automatic scale
    selection".
    """
    if min(image.shape[-2:]) < 16:
        return image.new_zeros(len(image))
    gray = image.float().mean(1, keepdim=True)
    total = image.new_zeros(len(image), dtype=torch.float32)
    for small, large in _SCALES:
        middle, whole = _closed_curvature(gray, small), _closed_curvature(gray, large)
        total = total + (-middle * whole).clamp(min=0).mean((1, 2, 3))  # where their signs are opposite
    return total


def _closed_curvature(gray: Tensor, scale: float) -> Tensor:
    """Return the lesser principal curvature of (B, 1, H, W), above 0 in hollows; 0 where the signs differ."""
    side = 2 * round(3 * scale) + 1
    smooth = F.pad(gaussian_blur2d(gray, (side, side), (scale, scale)), (1, 1, 1, 1), mode="replicate")
    across = smooth[..., 1:-1, 2:] + smooth[..., 1:-1, :-2] - 2 * smooth[..., 1:-1, 1:-1]
    down = smooth[..., 2:, 1:-1] + smooth[..., :-2, 1:-1] - 2 * smooth[..., 1:-1, 1:-1]
    corners = smooth[..., 2:, 2:] + smooth[..., :-2, :-2] - smooth[..., 2:, :-2] - smooth[..., :-2, 2:]
    mean = (across + down) / 2
    # Of a flat area the root is 0, and would have no gradient.
    half = (((across - down) / 2).square() + (corners / 4).square() + 1e-12).sqrt()
    return scale**2 * ((mean - half).clamp(min=0) + (mean + half).clamp(max=0))
