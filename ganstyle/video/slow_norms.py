"""Norm statistics that move slowly over time, so that noise in one frame does not change its colors."""

import copy

import torch
from torch import Tensor, nn

from ganstyle.models import InstanceNorm


class SlowNorms:
    """Gives a generator's norms the moving average of their statistics over the frames of a scene.

    Each instance norm normalizes by its own frame's mean and variance, which flicker with it. Here they are
    exponential averages over the frames so far. A norm that runs several times in a frame, as in painting
    from coarse to fine, has an average for each time.

    Args:
        generator: is not changed; a copy of its norms is.
        frames: over about how many frames to average; 1: each frame's own.
    """

    def __init__(self, generator: nn.Module, frames: float) -> None:
        self.generator = copy.deepcopy(generator)
        self._share = 2 / (frames + 1)  # of the newest frame, as usual for exponential averages
        self._averages: list[tuple[Tensor, Tensor]] = []
        self._next = 0
        for module in self.generator.modules():
            if isinstance(module, InstanceNorm):
                module.statistics = self

    def begin_frame(self, *, reset: bool) -> None:
        """Go on with the next frame; ``reset``: the first of a scene."""
        self._next = 0
        if reset:
            self._averages.clear()

    def __call__(self, part: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and variance, (C,), for the map ``part``; see `InstanceNorm.statistics`."""
        variance, mean = torch.var_mean(part, (0, 2, 3), correction=0)
        if self._next < len(self._averages):
            old_mean, old_variance = self._averages[self._next]
            mean = torch.lerp(old_mean, mean, self._share)
            variance = torch.lerp(old_variance, variance, self._share)
            self._averages[self._next] = mean, variance
        else:
            self._averages.append((mean, variance))
        self._next += 1
        return mean, variance
