"""What an optimization reports while it runs; command line, GUI and tests read the same events."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from ganstyle.runs.events import Message


@dataclass(frozen=True)
class Iterate:
    """The state of an optimization after a step.

    Attributes:
        step: steps done over all scales, of ``steps``.
        steps: the most that will be done; another limit, or convergence, may end it before.
        evaluations: forward and backward passes of the network so far, regardless of their size; a pass
            without a gradient and a Hessian-vector product count as the multiple of that which they cost.
        seconds: since the call.
        scale: shorter side of the picture at present, in pixels. Losses of two scales do not compare.
        loss: the weighted sum that is minimized.
        terms: its terms before weighting: content, style, tv and any that were added.
        image: (1, 3, H, W) in [0, 1], detached; it may be kept, nothing writes to it later.
    """

    step: int
    steps: int
    evaluations: float
    seconds: float
    scale: int
    loss: float
    terms: Mapping[str, float]
    image: Tensor


EndedBy = Literal["steps", "seconds", "evaluations", "tolerance", "optimizer", "interrupt"]
"""What ended an optimization: a limit, convergence, an optimizer that is stuck, or Ctrl-C."""


class StopOptimization(Exception):  # noqa: N818 — a request, not an error
    """Raised by a callback to end early; the best picture so far is returned, as with Ctrl-C."""


OptimizationEvent = Iterate | Message
OnOptimizationEvent = Callable[[OptimizationEvent], None]
