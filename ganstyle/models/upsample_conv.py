"""Bilinear upsampling and a convolution, fused into one convolution at the lower resolution."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganstyle.models.blocks import Pad, pad
from ganstyle.models.norms import Condition, InstanceNorm

# Rows: four neighboring pixels of the upsampled map, the middle two made from one pixel of the map.
# Columns: the weights of that pixel and its two neighbors in the interpolation.
_BILINEAR = ((0.75, 0.25, 0.0), (0.25, 0.75, 0.0), (0.0, 0.75, 0.25), (0.0, 0.25, 0.75))

# Weights of local means along one axis, over three blocks of two pixels.
_SAME_PLACE = (0.0, 1 / 3, 0.0, 1 / 3, 0.0, 1 / 3, 0.0)
_NEIGHBORS = (1 / 12, 1 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 12)
LATTICE_REACH = 3
"""Pixels on each side that `remove_lattice` looks at."""


def fold_kernel(weight: Tensor) -> Tensor:
    """Turn a kernel for the upsampled map into four kernels for the map itself, one per pixel of a 2x2 block.

    Bilinear interpolation makes each upsampled pixel a weighted mean of pixels of the map. A kernel over
    three upsampled pixels is therefore a kernel over three pixels of the map, with different weights for even
    and odd pixels.

    Args:
        weight: (O, I, 3, 3).

    Returns:
        (4·O, I, 3, 3), in the order of `torch.nn.functional.pixel_shuffle`.

    Source: Shi et al. 2016, "Is the deconvolution layer the same as a convolutional layer?", in the opposite
    direction.
    """
    outputs, inputs = weight.shape[:2]
    upsampled = torch.tensor(_BILINEAR).to(weight)
    taps = torch.stack([upsampled[:3], upsampled[1:]])  # (pixel of the block, tap, pixel of the map)
    folded = torch.einsum("oikl,yka,xlb->oyxiab", weight, taps, taps)
    return folded.reshape(4 * outputs, inputs, 3, 3)


def remove_lattice(
    x: Tensor, padding: Callable[[Tensor], Tensor] = lambda x: pad(x, LATTICE_REACH)
) -> Tensor:
    """Give the four pixels of all 2x2 blocks the same local mean, and leave the rest of a map as it is.

    The pixels of a block come from different kernels. On a texture they therefore differ in variance, and the
    ReLU makes a difference of means of it: a lattice all over the picture, however irregular the texture.

    This is a notch filter at the three frequencies of that lattice: the mean of the neighbors at the same
    place in their blocks, less that of all neighbors, is subtracted. A low-pass filter such as 1-2-1 removes
    the lattice too, but also fine strokes, which training then brings back as a hatch along the axes.

    Args:
        x: (B, C, H, W).
        padding: pads it by `LATTICE_REACH`.
    """
    same, every = x.new_tensor(_SAME_PLACE), x.new_tensor(_NEIGHBORS)
    kernel = every[:, None] * every - same[:, None] * same
    kernel[3, 3] += 1
    channels = x.shape[1]
    return F.conv2d(padding(x), kernel.expand(channels, 1, 7, 7), groups=channels)


class UpsampleConv(nn.Module):
    """Bilinear interpolation to twice the size, then a 3x3 convolution, without storing the upsampled map.

    Constant areas stay constant and linear gradients stay linear for any weights, so no grid can
    arise. Transposed convolution treats the pixels of a block differently even in constant areas: the
    checkerboard of Odena et al. 2016. Nearest-neighbor upsampling, their remedy, still does so on gradients.

    At the border the map is reflected before it is upsampled.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        bias: whether a bias is learned.
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, bias=bias)
        self.pad = Pad(1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, outputs, 2·H, 2·W) of (B, inputs, H, W)."""
        bias = None if self.conv.bias is None else self.conv.bias.repeat_interleave(4)
        return F.pixel_shuffle(F.conv2d(self.pad(x), fold_kernel(self.conv.weight), bias), 2)


class UpsampleConvBlock(nn.Module):
    """`UpsampleConv`, instance norm and ReLU.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        conditioned: whether the norm depends on the strength.
        antialias: take the lattice of 2x2 blocks out of the result; see `remove_lattice`.
    """

    def __init__(
        self, inputs: int, outputs: int, *, conditioned: bool = False, antialias: bool = False
    ) -> None:
        super().__init__()
        self.antialias = antialias
        self.conv = UpsampleConv(inputs, outputs, bias=False)
        self.norm = InstanceNorm(outputs, conditioned=conditioned)
        self.pad = Pad(LATTICE_REACH)

    def forward(self, x: Tensor, condition: Condition = None) -> Tensor:
        """Return (B, outputs, 2·H, 2·W)."""
        x = F.relu(self.norm(self.conv(x), condition), inplace=True)
        return remove_lattice(x, self.pad) if self.antialias else x
