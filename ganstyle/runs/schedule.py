"""Learning rates and averaging weights that depend on the step alone, and so need no state."""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.optim import Optimizer


def learning_rate_factor(
    step: int, *, steps: int, warmup: int, schedule: Literal["cosine", "constant"]
) -> float:
    """Return the factor of the learning rate in a step, in (0, 1].

    Args:
        step: the step about to be taken, from 0.
        steps: length of the training.
        warmup: steps of linear warm-up.
        schedule: ``cosine`` decays to 0 along half a cosine wave (Loshchilov and Hutter 2017, equation 5,
            without restarts); ``constant`` stays.
    """
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if schedule == "constant":
        return 1.0
    return (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup))) / 2


def set_learning_rates(optimizer: Optimizer, rates: Sequence[float], factor: float) -> None:
    """Set each parameter group's learning rate to its base rate times the factor of this step."""
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate * factor


class EMA:
    """Averages weights as ``average ← d·average + (1 − d)·current``, for ``AveragedModel(multi_avg_fn=)``.

    The decay starts low, ``d = min(decay, (1 + n) / (10 + n))`` after n updates, so that the random initial
    weights do not dominate a short run.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay

    @torch.no_grad()
    def __call__(self, averages: Sequence[Tensor], current: Sequence[Tensor], updates: Tensor | int) -> None:
        """Update ``averages`` in place."""
        count = int(updates)
        decay = min(self.decay, (1 + count) / (10 + count))
        torch._foreach_lerp_(list(averages), list(current), 1 - decay)
