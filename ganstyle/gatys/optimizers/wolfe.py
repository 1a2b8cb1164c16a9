"""A line search for the strong Wolfe conditions, on a path that is bent by a box."""

import math
from typing import NamedTuple

from torch import Tensor

from ganstyle.gatys.optimizers.base import Problem

_DECREASE, _CURVATURE = 1e-4, 0.9  # c₁ and c₂, as Nocedal & Wright advise for quasi-Newton methods
_LONGER = 3.0
_MAX_TRIALS = 12


class LinePoint(NamedTuple):
    """A point on the path, its loss and its gradient."""

    x: Tensor
    loss: float
    gradient: Tensor


def search(problem: Problem, start: LinePoint, direction: Tensor) -> LinePoint | None:
    """Find a point along ``direction`` that is low enough and where the slope has flattened out.

    The strong Wolfe conditions (Nocedal & Wright 2006, equation 3.7), sought by bracketing: a step that is
    too long is the bracket's upper end, one that still goes steeply down its lower end. Next comes three
    times the length as long as there is no upper end, and otherwise the minimum of the parabola through both
    ends, kept off them by a tenth of the bracket. The first trial is the whole direction, as quasi-Newton
    steps want it.

    Each trial is projected onto the box; the slope is that of the bent path, over the coordinates not yet on
    the box. A trial that is not finite shortens the step tenfold. If the trials run out, as they may at a
    kink, the lowest that met the first condition is taken.

    Args:
        problem: what is minimized; each trial is one evaluation.
        start: where the path begins.
        direction: where it goes (n,); it must go down.

    Returns:
        The point, or None if no trial met even the first condition.
    """
    slope = float(start.gradient @ direction)
    low, low_loss, low_slope, high = 0.0, start.loss, slope, math.inf
    best: LinePoint | None = None
    length = 1.0
    for _ in range(_MAX_TRIALS):
        straight = start.x + length * direction
        x = problem.project(straight)
        loss, gradient = problem.value_and_grad(x)
        if not (math.isfinite(loss) and bool(gradient.isfinite().all())):
            problem.note("a trial step was not finite; it is shortened")
            high, length = length, low + (length - low) / 10
            continue
        if loss > start.loss + _DECREASE * float(start.gradient @ (x - start.x)) or loss >= low_loss:
            high, end_loss = length, loss
            length = _parabola(low, low_loss, low_slope, high, end_loss)
            continue
        trial = LinePoint(x, loss, gradient)
        here = float(gradient @ (direction * (x == straight)))
        if abs(here) <= -_CURVATURE * slope:
            return trial
        if best is None or loss < best.loss:
            best = trial
        if here > 0:
            high, length = length, _parabola(low, low_loss, low_slope, length, loss)
            continue
        low, low_loss, low_slope = length, loss, here
        length = _LONGER * length if math.isinf(high) else (low + high) / 2
    return best


def _parabola(low: float, loss: float, slope: float, high: float, end_loss: float) -> float:
    """Return where the parabola through both ends, with the slope at the lower, has its minimum."""
    width = high - low
    rise = end_loss - loss - slope * width  # positive where the parabola bends upwards
    ratio = -slope * width / (2 * rise) if rise > 0 else 0.5
    return low + width * min(max(ratio, 0.1), 0.9)
