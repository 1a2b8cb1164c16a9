"""Temporal loss: a photo that moves should give a painting that moves with it.

Training on videos needs videos, and a flow network to know how they move. Instead, a photo is warped by a
smooth random motion, which is known exactly, and noise is added, as between two frames of a film.

Source: the compound regularization of Wang et al. 2020, "Consistent Video Style Transfer via Relaxation and
Regularization" (ReReVST). Our motion is relative to the picture's size.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

_SHIFT = 10 / 256  # largest motion of the whole picture, as a fraction of its sides
_BEND = 2 / 256  # standard deviation of what is added to it from place to place
_CELLS = 4  # along a side, between which the motion is interpolated
_NOISE = 0.02  # standard deviation, for pixels in [0, 1]


@dataclass(frozen=True, eq=False)
class SyntheticMotion:
    """A smooth motion of the photos of a batch.

    Attributes:
        flow: (B, 2, 4, 4), right and down as fractions of the width and height, on a coarse grid.
        seed: of the noise.
    """

    flow: Tensor
    seed: int

    def warp(self, x: Tensor) -> Tensor:
        """Move a batch, (B, C, H, W); what comes in from outside is reflected."""
        grid = self._grid(x)
        return F.grid_sample(x.float(), grid, padding_mode="reflection", align_corners=False)

    def next_frame(self, photo: Tensor) -> Tensor:
        """Return what a film of a photo, (B, 3, H, W) in [0, 1], would show next: moved, with noise."""
        generator = torch.Generator().manual_seed(self.seed)
        noise = torch.randn(photo.shape, generator=generator).to(photo)
        return (self.warp(photo) + _NOISE * noise).clamp(0, 1)

    def inside(self, x: Tensor) -> Tensor:
        """Return where a batch's pixels came from inside the picture, (B, 1, H, W), 1 or 0."""
        return (self._grid(x).abs() <= 1).all(-1).unsqueeze(1).float()

    def _grid(self, x: Tensor) -> Tensor:
        size = (x.shape[-2], x.shape[-1])
        identity = torch.eye(2, 3, device=x.device).expand(len(x), -1, -1)
        here = F.affine_grid(identity, [len(x), 1, *size], align_corners=False)
        flow = F.interpolate(self.flow.to(x.device), size, mode="bicubic", align_corners=True)
        return here - 2 * flow.permute(0, 2, 3, 1)  # the picture's width is 2


def draw_motion(batch: int, rng: np.random.Generator) -> SyntheticMotion:
    """Draw a motion for each photo of a batch; ``rng`` always advances by the same amount."""
    shift = rng.uniform(-_SHIFT, _SHIFT, (batch, 2, 1, 1))
    bend = rng.normal(0, _BEND, (batch, 2, _CELLS, _CELLS))
    flow = torch.from_numpy((shift + bend).astype(np.float32))
    return SyntheticMotion(flow, int(rng.integers(2**31)))


def temporal_loss(picture: Tensor, following: Tensor, motion: SyntheticMotion) -> Tensor:
    """Return the mean squared difference of the next frame's painting from the painting that moved along.

    It is 0 for a generator that is equivariant to motion and deaf to noise.

    Args:
        picture: the photos' paintings, (B, 3, H, W) in [0, 1].
        following: the paintings of `SyntheticMotion.next_frame`, of the same shape.
        motion: how the photos moved.

    Returns:
        A scalar; pixels that came in from outside do not count.
    """
    inside = motion.inside(picture)
    difference = (following.float() - motion.warp(picture)).square() * inside
    return difference.sum() / (picture.shape[1] * inside.sum()).clamp(min=1)
