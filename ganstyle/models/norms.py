"""Instance normalization: plain, conditioned on the strength, or modulated by a style code."""

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Adam moves a parameter by at most about the learning rate per step, and slopes have to grow as large as the
# gains. Measured after 400 steps: the content distance between strengths 0.25 and 1.5 rises by 18 % with a
# factor of 8, by 3 % with 1, and by 44 % with 30, which makes the style worse again beyond strength 1.
_SLOPE_SCALE = 8.0


class Modulation:
    """Changes of gains and biases for all norms of a network, for each item of a batch.

    The norms take theirs in the order in which the network runs them.

    Args:
        values: (B, 2·N), N the channels of all norms together; for each norm its gains, then its biases.
    """

    def __init__(self, values: Tensor) -> None:
        self._values = values
        self._taken = 0

    def take(self, channels: int) -> tuple[Tensor, Tensor]:
        """Return the changes of gain and bias for the next norm, each (B, channels)."""
        start, self._taken = self._taken, self._taken + 2 * channels
        values = self._values[:, start : self._taken]
        return values[:, :channels], values[:, channels:]


Condition = Tensor | Modulation | None
"""What a norm follows: a strength for each item, (B,); a style code's changes; or nothing."""


class Statistics(Protocol):
    """Knows the mean and variance of a map that is larger than the part given."""

    def __call__(self, part: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and variance, both (C,), of the map that ``part``, (1, C, h, w), belongs to."""
        ...


class InstanceNorm(nn.GroupNorm):
    """Instance normalization with a learned gain and bias per channel (Ulyanov et al. 2016).

    Computed as group normalization with one channel per group, which gives the same result several
    times faster on a CPU than ``nn.InstanceNorm2d``. PyTorch's channels_last kernel loses precision
    where the mean is large, so maps are made contiguous (NCHW) first.

    A map of a single pixel has no variance, so its output is the bias alone. Networks must keep their
    maps larger than that.

    Args:
        channels: number of channels of the input (B, channels, H, W).
        conditioned: make gain and bias linear functions of the strength,
            ``gain + 8 · (strength - 1) · slope``. This is the conditional instance norm of Dumoulin et al.
            2017, "A Learned Representation for Artistic Style", with a linear function of the strength in
            place of a table of styles. At strength 1 the result equals the plain norm bit by bit.
        floor: variance that rounding alone can cause. A map with no more is constant but for rounding, and
            becomes the bias; otherwise each norm would enlarge the rounding up to 300 times, and a few norms
            in a row make a pattern of it. 0: no floor, which saves a pass over the map.

    Attributes:
        statistics: where mean and variance come from, if not from the input itself: with those of a whole
            picture, a tile of it is normalized as the picture is. None: from the input.
    """

    statistics: Statistics | None = None

    def __init__(self, channels: int, *, conditioned: bool = False, floor: float = 0.0) -> None:
        super().__init__(channels, channels)
        self.floor = floor
        if conditioned:  # with slopes of 0, all strengths give the same result at first
            self.weight_slope = nn.Parameter(torch.zeros(channels))
            self.bias_slope = nn.Parameter(torch.zeros(channels))

    @torch.no_grad()
    def at_zero(self) -> tuple[Tensor, Tensor]:
        """Return the gain and the bias of a conditioned norm at strength 0, each (channels,)."""
        return self.weight - _SLOPE_SCALE * self.weight_slope, self.bias - _SLOPE_SCALE * self.bias_slope

    @torch.no_grad()
    def set_at_zero(self, gain: Tensor, bias: Tensor) -> None:
        """Give a conditioned norm the slopes that lead to this gain and bias, (channels,), at strength 0."""
        self.weight_slope.copy_((self.weight - gain) / _SLOPE_SCALE)
        self.bias_slope.copy_((self.bias - bias) / _SLOPE_SCALE)

    @torch.no_grad()
    def rescale_strength(self, factor: float) -> None:
        """Make a conditioned norm do at strength 1 what it did at ``factor``, and the same as before at 0."""
        self.weight.add_(_SLOPE_SCALE * (factor - 1) * self.weight_slope)
        self.bias.add_(_SLOPE_SCALE * (factor - 1) * self.bias_slope)
        self.weight_slope.mul_(factor)
        self.bias_slope.mul_(factor)

    def forward(self, input: Tensor, condition: Condition = None) -> Tensor:
        """Return the normalized map, (B, channels, H, W).

        Args:
            input: (B, channels, H, W).
            condition: a strength for each item, (B,), which a conditioned norm requires and no other takes;
                or a `Modulation`, whose changes are added to gain and bias (Dumoulin et al. 2017; Ghiasi et
                al. 2017).
        """
        input = input.contiguous()
        if condition is None and self.statistics is None and not self.floor:
            return super().forward(input)
        gain_change = bias_change = self.weight.new_zeros(input.shape[0], self.num_channels)
        if isinstance(condition, Modulation):
            gain_change, bias_change = condition.take(self.num_channels)
        elif condition is not None:
            gain_change, bias_change = self.changes(condition)
        # With the items' channels side by side, one pass over the map gives each item its own gains.
        gain = (self.weight + gain_change).flatten()
        bias = (self.bias + bias_change).flatten()
        side_by_side = input.reshape(1, -1, *input.shape[-2:])
        if self.statistics is not None:
            mean, variance = self.statistics(side_by_side)
            if self.floor:
                gain = gain * self.above_floor(variance)
            return F.batch_norm(side_by_side, mean, variance, gain, bias, eps=self.eps).view_as(input)
        if self.floor:
            gain = gain * self.above_floor(side_by_side.detach()[0].var((-2, -1), correction=0))
        return F.group_norm(side_by_side, len(gain), gain, bias, self.eps).view_as(input)

    def changes(self, strength: Tensor) -> tuple[Tensor, Tensor]:
        """Return a conditioned norm's changes of gain and bias, each (B, channels), for strengths, (B,)."""
        offset = _SLOPE_SCALE * (strength - 1).unsqueeze(1)
        return offset * self.weight_slope, offset * self.bias_slope

    def above_floor(self, variance: Tensor) -> Tensor:
        """Return 1 for variances far above the floor, falling to 0 for those at or below it."""
        return (1 - self.floor / variance.detach()).clamp(min=0)
