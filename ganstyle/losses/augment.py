"""Differentiable augmentation of what a discriminator sees (DiffAugment).

A discriminator that has few paintings to learn from memorizes them. Augmenting only the real patches would
teach the generator the augmentation; augmenting both real and generated ones, by differentiable functions,
does not. Color is left alone, since color is style.

Source: Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training".
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

AUGMENTATIONS = ("translation", "cutout")

_LARGEST_SHIFT = 1 / 8  # of a patch's side, as in the paper
_HOLE = 1 / 2  # side of the hole, likewise


@dataclass(frozen=True)
class Augmentation:
    """Random augmentations of a batch, relative to the patch's size, so that they fit maps of any resolution.

    Attributes:
        shifts: (B, 2), down and right, as fractions of the height and width; None: no translation.
        holes: (B, 2), the holes' centers, as fractions of the height and width; None: no cutout.
    """

    shifts: Tensor | None = None
    holes: Tensor | None = None

    def apply(self, x: Tensor, *, fill: float = 0.0) -> Tensor:
        """Translate and cut out each item of a batch.

        Args:
            x: (B, C, H, W): patches or their feature maps.
            fill: the value of what has no content.

        Returns:
            The same shape; gradients flow to what is still visible.
        """
        if self.shifts is not None:
            sides = self.shifts.new_tensor(x.shape[-2:])
            x = translate(x, (self.shifts * sides).round().long(), fill=fill)
        if self.holes is not None:
            x = cut_out(x, self.holes, fill=fill)
        return x


def draw_augmentation(
    kinds: Collection[str], batch: int, rng: np.random.Generator, *, grid: int
) -> Augmentation:
    """Draw the augmentations of a batch, for each item its own.

    Args:
        kinds: out of ``AUGMENTATIONS``.
        batch: the number of items.
        rng: the random number generator; it always advances by the same amount.
        grid: number of cells along a side that shifts are rounded to. Maps of several resolutions stay
            aligned if it is the side of the coarsest.

    Raises:
        ValueError: an augmentation is unknown.
    """
    unknown = sorted(set(kinds) - set(AUGMENTATIONS))
    if unknown:
        raise ValueError(f"'{unknown[0]}' is not one of {', '.join(AUGMENTATIONS)}")
    most = round(grid * _LARGEST_SHIFT)
    shifts = torch.from_numpy(rng.integers(-most, most, (batch, 2), endpoint=True)) / grid
    holes = torch.from_numpy(rng.random((batch, 2)))
    return Augmentation(shifts if "translation" in kinds else None, holes if "cutout" in kinds else None)


def translate(x: Tensor, shifts: Tensor, *, fill: float = 0.0) -> Tensor:
    """Move each item of a batch by whole pixels.

    Args:
        x: (B, C, H, W).
        shifts: (B, 2) integers, down and right.
        fill: the value of what is moved in.
    """
    height, width = x.shape[-2:]
    offsets = shifts.tolist()
    margin = max(abs(offset) for pair in offsets for offset in pair)
    if margin == 0:
        return x
    padded = F.pad(x, (margin, margin, margin, margin), value=fill)
    return torch.stack(
        [
            item[:, margin - down : margin - down + height, margin - right : margin - right + width]
            for item, (down, right) in zip(padded, offsets, strict=True)
        ]
    )


def cut_out(x: Tensor, centers: Tensor, *, fill: float = 0.0) -> Tensor:
    """Cover a square of half the side in each item of a batch; at the border, a part of one.

    Args:
        x: (B, C, H, W).
        centers: (B, 2) in [0, 1], the square's center as fractions of the height and width.
        fill: the value inside the square.
    """
    hidden = torch.ones(len(x), 1, 1, 1, dtype=torch.bool, device=x.device)
    for side, center, shape in zip(x.shape[-2:], centers.unbind(1), ((-1, 1), (1, -1)), strict=True):
        position = (torch.arange(side, device=x.device) + 0.5) / side
        distance = (position - center.to(position).unsqueeze(1)).abs()
        hidden = hidden & (distance < _HOLE / 2).view(len(x), 1, *shape)
    return x.masked_fill(hidden, fill)
