"""Doubling a map and convolving it, computed before the doubling."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganstyle.models.blocks import pad
from ganstyle.models.norms import InstanceNorm

# Rows: the four pixels of the doubled map from half a pixel left of a pair to half a pixel right of it.
# Columns: the three pixels of the map that they are interpolated from.
_BILINEAR = ((0.75, 0.25, 0.0), (0.25, 0.75, 0.0), (0.0, 0.75, 0.25), (0.0, 0.25, 0.75))


def fold_kernel(weight: Tensor) -> Tensor:
    """Turn a kernel for a doubled map into four kernels, one for each pixel of a block, for the map itself.

    A pixel of a map that is doubled by bilinear interpolation is a mean of pixels of the map; so a kernel
    over three doubled pixels is one over three pixels of the map, another for even than for odd pixels.

    Args:
        weight: (O, I, 3, 3).

    Returns:
        (4·O, I, 3, 3), in the order of `torch.nn.functional.pixel_shuffle`.

    Source: Shi et al. 2016, "Is the deconvolution layer the same as a convolutional layer?", who show the
    equivalence the other way round.
    """
    outputs, inputs = weight.shape[:2]
    doubled = torch.tensor(_BILINEAR).to(weight)
    taps = torch.stack([doubled[:3], doubled[1:]])  # (pixel of the block, tap, pixel of the map)
    folded = torch.einsum("oikl,yka,xlb->oyxiab", weight, taps, taps)
    return folded.reshape(4 * outputs, inputs, 3, 3)


class DoublingConv(nn.Module):
    """Bilinear interpolation to twice the size, then a 3x3 convolution, without ever holding the doubled map.

    Flat areas stay flat and slopes stay slopes, whatever the weights: neither pixel of a block is told which
    one it is. Transposed convolution tells it on flat areas already, the checkerboard of Odena et al. 2016;
    nearest neighbor, their remedy, on slopes, where trained networks make it a grid all the same.

    At the border the map is reflected before it is doubled.

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


class DoublingBlock(nn.Module):
    """A doubling convolution, instance norm and ReLU.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        conditioned: whether the norm follows the strength.
    """

    def __init__(self, inputs: int, outputs: int, *, conditioned: bool = False) -> None:
        super().__init__()
        self.conv = DoublingConv(inputs, outputs, bias=False)
        self.norm = InstanceNorm(outputs, conditioned=conditioned)

    def forward(self, x: Tensor, strength: Tensor | None = None) -> Tensor:
        """Return (B, outputs, 2·H, 2·W)."""
        return F.relu(self.norm(self.conv(x), strength), inplace=True)
