"""The lean generator: a residual generator without feature maps at full resolution."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganstyle.models.blocks import ConvBlock, ResidualBlock, check_kernel, check_positive, pad_to_minimum
from ganstyle.models.coarse_branch import CoarseBranch
from ganstyle.models.norms import Condition
from ganstyle.models.strength import blend_with_photo, expand_strength
from ganstyle.models.upsample_conv import UpsampleConv, UpsampleConvBlock

_SMALLEST = 4  # shortest side of the coarsest maps


class LeanGenerator(nn.Module):
    """Encoder, residual blocks and decoder as in `ResNetGenerator`, but at half the resolution.

    A fast generator spends most of its time moving full-size maps through memory. Here the first
    convolution has stride 2, and the last one computes each 2x2 block of output pixels from the half-size
    map (`UpsampleConv`). Only RGB is ever held at full size; the time saved pays for wider layers.

    Takes (B, 3, H, W) in [0,1] with any H and W from 1 up; returns the same shape in [0,1], float32.
    Internally, the right and the bottom edge are repeated up to a multiple of ``2**depth``, or
    ``2**(depth + 1)`` with a coarse branch.

    Args:
        width: channels at half the size; they double with each halving.
        depth: how many times the size is halved, before the residual blocks.
        blocks: number of residual blocks.
        kernel: side of the first kernel in pixels, odd.
        strength: whether the generator takes a strength, which is then part of the training.
        coarse: residual blocks of a branch at half the size of the others, for large forms; 0: no branch. At
            first the branch adds nothing, so a trained generator can be continued with it.
        coarse_width: channels of that branch.
        antialias: filter after each upsampling, against marks that repeat on a lattice; see `remove_lattice`.
            It has no weights and changes little else, so a trained generator can be given it.

    Raises:
        ValueError: a value is not a positive whole number, or the kernel is even.
    """

    def __init__(
        self,
        width: int = 32,
        depth: int = 2,
        blocks: int = 5,
        kernel: int = 5,
        strength: bool = False,
        coarse: int = 0,
        coarse_width: int = 96,
        antialias: bool = False,
    ) -> None:
        super().__init__()
        check_positive(width=width, depth=depth, blocks=blocks, coarse_width=coarse_width)
        if coarse:
            check_positive(coarse=coarse)
        check_kernel(kernel)
        self.conditioned = strength
        self.multiple = 2 ** (depth + bool(coarse))
        channels = [width * 2**level for level in range(depth)]
        self.stem = ConvBlock(3, width, kernel, stride=2, conditioned=strength)
        self.down = nn.ModuleList(
            ConvBlock(finer, coarser, stride=2, conditioned=strength) for finer, coarser in pairwise(channels)
        )
        self.coarse = nn.ModuleList(
            [CoarseBranch(channels[-1], coarse_width, coarse, conditioned=strength, antialias=antialias)]
            if coarse
            else []
        )
        self.body = nn.ModuleList(ResidualBlock(channels[-1], conditioned=strength) for _ in range(blocks))
        self.up = nn.ModuleList(
            UpsampleConvBlock(coarser, finer, conditioned=strength, antialias=antialias)
            for finer, coarser in reversed(list(pairwise(channels)))
        )
        self.to_image = UpsampleConv(width, 3)
        nn.init.xavier_normal_(self.to_image.conv.weight, gain=0.5)
        nn.init.zeros_(self.to_image.conv.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, strength: float | Tensor = 1.0) -> Tensor:
        """Return the stylized image, (B, 3, H, W) in [0,1].

        Args:
            x: the photos.
            strength: strength of the style, a number or (B,). Values other than 1 need ``strength=True``.
        """
        strengths = expand_strength(strength, x, conditioned=self.conditioned)
        image = self.paint(x, strengths)
        return image if strengths is None else blend_with_photo(image, x, strengths)

    def paint(self, x: Tensor, condition: Condition) -> Tensor:
        """Return the stylized image, (B, 3, H, W) in [0,1], with norms that follow a condition."""
        height, width = x.shape[-2:]
        photo = pad_to_minimum(x, _SMALLEST * self.multiple)
        # Always pad by at least one pixel: a graph exported from an example that needs no padding would
        # only work for such sizes.
        missing = [self.multiple - side % self.multiple for side in photo.shape[-2:]]
        photo = F.pad(photo, (0, missing[1], 0, missing[0]), mode="replicate") * 2 - 1
        out = self.stem(photo, condition)
        del photo  # of a large photo, this is a fifth of all memory
        for block in (*self.down, *self.coarse, *self.body, *self.up):
            out = block(out, condition)
        # Under autocast the convolution runs in half precision, which is too coarse for pixels.
        colors = self.to_image(out).to(self.to_image.conv.weight.dtype)
        return torch.sigmoid(colors[..., :height, :width])
