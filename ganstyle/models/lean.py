"""The lean generator: a residual generator that never works at full size."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganstyle.models.blocks import ConvBlock, ResidualBlock, check_kernel, check_positive, pad_to_minimum
from ganstyle.models.doubling import DoublingBlock, DoublingConv
from ganstyle.models.strength import mix_in_photo, strength_of_each

_SMALLEST = 4  # the coarsest maps are at least this wide


class LeanGenerator(nn.Module):
    """Encoder, residual blocks and decoder as in `ResNetGenerator`, the first and the last layer halved.

    A fast generator spends most of its time on maps of the full size, going through memory. Here the first
    convolution halves the photo at once, and the last one computes the four pixels of each block from the
    map of half the size (`DoublingConv`). So nothing but colors is ever held at full size, and what that
    saves is spent on the strokes.

    Takes (B, 3, H, W) in [0,1] with any H and W from 1 up; returns the same shape in [0,1], float32. Inside,
    the right and the bottom edge are repeated up to a multiple of ``2**depth``.

    Args:
        width: channels at half the size; they double with each halving.
        depth: how many times the size is halved; the residual blocks are there.
        blocks: number of residual blocks.
        kernel: side of the first kernel in pixels, odd.
        strength: whether the strength of painting can be told, and is trained.

    Raises:
        ValueError: a value is not a positive whole number, or the kernel is even.
    """

    def __init__(
        self, width: int = 32, depth: int = 2, blocks: int = 5, kernel: int = 5, strength: bool = False
    ) -> None:
        super().__init__()
        check_positive(width=width, depth=depth, blocks=blocks)
        check_kernel(kernel)
        self.conditioned = strength
        self.multiple = 2**depth
        channels = [width * 2**level for level in range(depth)]
        self.stem = ConvBlock(3, width, kernel, stride=2, conditioned=strength)
        self.down = nn.ModuleList(
            ConvBlock(finer, coarser, stride=2, conditioned=strength) for finer, coarser in pairwise(channels)
        )
        self.body = nn.ModuleList(ResidualBlock(channels[-1], conditioned=strength) for _ in range(blocks))
        self.up = nn.ModuleList(
            DoublingBlock(coarser, finer, conditioned=strength)
            for finer, coarser in reversed(list(pairwise(channels)))
        )
        self.to_image = DoublingConv(width, 3)
        nn.init.xavier_normal_(self.to_image.conv.weight, gain=0.5)
        nn.init.zeros_(self.to_image.conv.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, strength: float | Tensor = 1.0) -> Tensor:
        """Return the stylized image, (B, 3, H, W) in [0,1].

        Args:
            x: the photos.
            strength: how strongly each is painted, a number or (B,); other than 1 only if built with it.
        """
        height, width = x.shape[-2:]
        each = strength_of_each(strength, x, conditioned=self.conditioned)
        photo = pad_to_minimum(x, _SMALLEST * self.multiple)
        # By at least a pixel: where nothing is to be cut off in the end, an exported graph would hold for
        # such sizes only.
        missing = [self.multiple - side % self.multiple for side in photo.shape[-2:]]
        photo = F.pad(photo, (0, missing[1], 0, missing[0]), mode="replicate")
        out = self.stem(photo * 2 - 1, each)
        for block in (*self.down, *self.body, *self.up):
            out = block(out, each)
        # Under autocast the convolution runs in half precision, which is too coarse for an image.
        colors = self.to_image(out).to(self.to_image.conv.weight.dtype)
        image = torch.sigmoid(colors[..., :height, :width])
        return image if each is None else mix_in_photo(image, x, each)
