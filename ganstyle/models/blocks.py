"""Building blocks that the generators and the discriminator share.

All of them take and return NCHW float tensors and work at any spatial size from 1x1 up. A ``conditioned``
block also takes the strength, (B,), one for each item; see `InstanceNorm`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganstyle.models.norms import Condition, InstanceNorm


def pad(x: Tensor, amount: int) -> Tensor:
    """Pad all four sides by reflection. Zero padding would darken the picture's edges.

    Reflection needs more pixels than it pads. A smaller map is padded with its edge pixels instead.

    Args:
        x: (B, C, H, W).
        amount: pixels added to each side.

    Returns:
        (B, C, H + 2·amount, W + 2·amount).
    """
    return pad_sides(x, (amount, amount, amount, amount))


def pad_sides(x: Tensor, amounts: tuple[int, int, int, int]) -> Tensor:
    """Pad (B, C, H, W) as `pad` does, by pixels on the left, on the right, at the top and at the bottom."""
    if not any(amounts):
        return x
    mode = "reflect" if min(x.shape[-2:]) > max(amounts) else "replicate"
    return F.pad(x, amounts, mode=mode)


class Borders(Protocol):
    """Knows what lies around a part of a map."""

    def __call__(self, part: Tensor, amount: int) -> Tensor:
        """Return ``part``, (B, C, h, w), with ``amount`` more pixels of the map on each side."""
        ...


class Pad(nn.Module):
    """`pad`, as a layer: all by which a block looks beyond the map that it is given.

    Args:
        amount: pixels added to each side.

    Attributes:
        borders: returns a part of a larger map with its surroundings, so that a picture's tiles fit together.
            None: the map is whole, and is reflected.
    """

    borders: Borders | None = None

    def __init__(self, amount: int) -> None:
        super().__init__()
        self.amount = amount

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, H + 2·amount, W + 2·amount) of (B, C, H, W)."""
        return pad(x, self.amount) if self.borders is None else self.borders(x, self.amount)


@contextmanager
def wrapping_around(network: nn.Module) -> Iterator[None]:
    """Let a network's maps continue at the opposite side meanwhile, so that its input has no edges."""
    layers = [module for module in network.modules() if isinstance(module, Pad)]
    for layer in layers:
        layer.borders = _wrap
    try:
        yield
    finally:
        for layer in layers:
            layer.borders = None


def _wrap(part: Tensor, amount: int) -> Tensor:
    if min(part.shape[-2:]) < amount:
        return pad(part, amount)
    return F.pad(part, (amount, amount, amount, amount), mode="circular")


def pad_to_minimum(x: Tensor, size: int) -> Tensor:
    """Repeat the right and bottom edge pixels until both sides have at least ``size`` pixels.

    The caller crops its result back to the original height and width.
    """
    height, width = x.shape[-2:]
    if height >= size and width >= size:
        return x
    return F.pad(x, (0, max(0, size - width), 0, max(0, size - height)), mode="replicate")


class ConvBlock(nn.Module):
    """Reflection padding, convolution, instance norm and ReLU.

    An odd kernel with stride 1 keeps the size; stride 2 gives ceil(H/2) x ceil(W/2).

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        kernel: side of the kernel in pixels, odd.
        stride: 1 or 2.
        activate: whether to apply the ReLU.
        conditioned: whether the norm depends on the strength.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        stride: int = 1,
        *,
        activate: bool = True,
        conditioned: bool = False,
    ) -> None:
        super().__init__()
        # The norm subtracts the mean, so a bias would have no effect.
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, bias=False)
        self.norm = InstanceNorm(outputs, conditioned=conditioned)
        self.pad = Pad(kernel // 2)
        self.activate = activate

    def forward(self, x: Tensor, condition: Condition = None) -> Tensor:
        """Return (B, outputs, ceil(H/stride), ceil(W/stride))."""
        x = self.norm(self.conv(self.pad(x)), condition)
        return F.relu(x, inplace=True) if self.activate else x


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions added to their input, with no ReLU after the sum (Gross & Wilber 2016).

    Args:
        channels: channels of input and output.
        conditioned: whether the norms depend on the strength.
    """

    def __init__(self, channels: int, *, conditioned: bool = False) -> None:
        super().__init__()
        self.first = ConvBlock(channels, channels, conditioned=conditioned)
        self.second = ConvBlock(channels, channels, activate=False, conditioned=conditioned)

    def forward(self, x: Tensor, condition: Condition = None) -> Tensor:
        """Return a map of the shape of ``x``."""
        out: Tensor = x + self.second(self.first(x, condition), condition)
        return out


class UpsampleBlock(nn.Module):
    """Double the size by nearest neighbor, optionally concatenate a skip connection, then convolve.

    Every output pixel is covered by the same number of kernel taps, which avoids the checkerboard
    artifacts of transposed convolution (Odena et al. 2016).

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        skip: channels of the skip connection; 0 if there is none.
        conditioned: whether the norm depends on the strength.
    """

    def __init__(self, inputs: int, outputs: int, skip: int = 0, *, conditioned: bool = False) -> None:
        super().__init__()
        self.conv = ConvBlock(inputs + skip, outputs, conditioned=conditioned)

    def forward(
        self,
        x: Tensor,
        size: tuple[int, int],
        skip: Tensor | None = None,
        condition: Condition = None,
    ) -> Tensor:
        """Return (B, outputs, *size).

        Args:
            x: (B, inputs, ceil(size/2)).
            size: height and width of the result. Where a side is odd, the last row or column is not
                doubled, which exactly inverts the size change of a convolution of stride 2.
            skip: (B, skip, *size), or None.
            condition: what the norm follows; see `InstanceNorm`.
        """
        # Nearest neighbor to 2n - 1 pixels doubles n and drops the last. Cropping would give the same
        # result, but would tie an exported graph to the sizes of its example input.
        x = F.interpolate(x, size=size, mode="nearest")
        if skip is not None:
            x = torch.cat([x, skip], dim=1)
        out: Tensor = self.conv(x, condition)
        return out


class ToImage(nn.Module):
    """Reflection padding, convolution to RGB, and a sigmoid into [0,1].

    It is initialized near mid-gray with low contrast, where the sigmoid's gradient is largest.

    Args:
        inputs: channels of the input.
        kernel: side of the kernel in pixels, odd.
    """

    def __init__(self, inputs: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, 3, kernel)
        self.pad = Pad(kernel // 2)
        nn.init.xavier_normal_(self.conv.weight, gain=0.5)
        nn.init.zeros_(self.conv.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, 3, H, W) in [0,1], in the precision of the weights."""
        # Under autocast the convolution runs in half precision, which is too coarse for pixels.
        return torch.sigmoid(self.conv(self.pad(x)).to(self.conv.weight.dtype))


def check_positive(**values: int) -> None:
    """Raise ValueError if one of the named values is not a positive integer."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}")


def check_kernel(kernel: int) -> None:
    """Raise ValueError unless ``kernel`` is a positive odd number."""
    check_positive(kernel=kernel)
    if kernel % 2 == 0:
        raise ValueError(f"kernel must be odd, not {kernel}")
