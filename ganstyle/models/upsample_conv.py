"""Bilinear upsampling and a convolution, fused into one convolution at the lower resolution."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganstyle.models.blocks import pad
from ganstyle.models.norms import Condition, InstanceNorm

# Rows: four neighboring pixels of the upsampled map, the middle two made from one pixel of the map.
# Columns: the weights of that pixel and its two neighbors in the interpolation.
_BILINEAR = ((0.75, 0.25, 0.0), (0.25, 0.75, 0.0), (0.0, 0.75, 0.25), (0.0, 0.25, 0.75))


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


def remove_nyquist(x: Tensor) -> Tensor:
    """Filter a map by 1-2-1 along rows and columns, which removes what alternates from pixel to pixel.

    The pixels of a 2x2 block come from different kernels. On a texture they therefore differ in variance, and
    the ReLU makes a difference of means of it: a lattice all over the picture, however irregular the texture.

    Args:
        x: (B, C, H, W), 2x2 pixels or more.

    Source: Zhang 2019, "Making Convolutional Networks Shift-Invariant Again", for upsampling.
    """
    channels = x.shape[1]
    row = x.new_tensor((0.25, 0.5, 0.25))
    kernel = (row[:, None] * row).expand(channels, 1, 3, 3)
    return F.conv2d(pad(x, 1), kernel, groups=channels)


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

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, outputs, 2·H, 2·W) of (B, inputs, H, W)."""
        bias = None if self.conv.bias is None else self.conv.bias.repeat_interleave(4)
        return F.pixel_shuffle(F.conv2d(pad(x, 1), fold_kernel(self.conv.weight), bias), 2)


class UpsampleConvBlock(nn.Module):
    """`UpsampleConv`, instance norm and ReLU.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        conditioned: whether the norm depends on the strength.
        antialias: low-pass filter the result; see `remove_nyquist`.
    """

    def __init__(
        self, inputs: int, outputs: int, *, conditioned: bool = False, antialias: bool = False
    ) -> None:
        super().__init__()
        self.antialias = antialias
        self.conv = UpsampleConv(inputs, outputs, bias=False)
        self.norm = InstanceNorm(outputs, conditioned=conditioned)

    def forward(self, x: Tensor, condition: Condition = None) -> Tensor:
        """Return (B, outputs, 2·H, 2·W)."""
        x = F.relu(self.norm(self.conv(x), condition), inplace=True)
        return remove_nyquist(x) if self.antialias else x
