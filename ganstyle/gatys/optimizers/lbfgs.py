"""Limited-memory BFGS for functions in a box."""

import math

import torch
from torch import Tensor

from ganstyle.gatys.optimizers.base import Point, Problem
from ganstyle.gatys.optimizers.history import InverseHessian

_DECREASE = 1e-4  # c₁ of the sufficient-decrease condition
_MAX_TRIALS = 12
_SHRINK = 0.1


class LBFGS:
    """L-BFGS (Nocedal & Wright 2006, section 7.2) with a projected line search.

    Unlike ``torch.optim.LBFGS`` it keeps the picture in its range by projection: coordinates that lie on the
    box and press outwards are left out of the direction (Bertsekas 1982), and a trial point is projected
    before it is evaluated, so that the loss is always that of the picture one would save. Its search shrinks
    a step that is too long by cubic interpolation until Armijo's condition holds; steps are not
    lengthened, since full steps are nearly always accepted, and Wolfe's second condition is replaced by
    leaving a pair of negative curvature out. So most iterations cost one evaluation.

    A trial that is not finite shortens the step tenfold. When no step along a direction helps, the history
    is forgotten; when none helps along the gradient either, the descent is over.

    Args:
        problem: what is minimised.
        x: the start (n,).
        history: how many steps are remembered.
        first_step: root mean square change of a coordinate by the first trial.
        seed: not used; the method draws nothing.
    """

    def __init__(
        self, problem: Problem, x: Tensor, *, history: int = 10, first_step: float = 0.02, seed: int = 0
    ) -> None:
        self.problem, self.x, self.first_step = problem, problem.project(x), first_step
        self.inverse = InverseHessian(problem.grid, history)
        self.loss, self.gradient = math.nan, torch.empty(0)

    def step(self) -> Point | None:
        """Do one iteration; the first only evaluates the start."""
        if math.isnan(self.loss):
            self.loss, self.gradient = self.problem.value_and_grad(self.x)
            return Point(self.x, self.loss)
        free = self.problem.free(self.x, self.gradient)
        descent = -self.gradient * free
        direction = self.inverse.apply(descent) * free
        if not len(self.inverse):
            direction = descent * (self.first_step * math.sqrt(len(self.x)) / (float(descent.norm()) + 1e-30))
        found = self._search(direction) if float(self.gradient @ direction) < 0 else None
        if found is None:
            if not len(self.inverse):
                return None
            self.inverse.clear()
            self.problem.note("no step along L-BFGS's direction helps; its history is forgotten")
            return Point(self.x, self.loss)
        x, loss, gradient = found
        self.inverse.update(x - self.x, gradient - self.gradient)
        self.x, self.loss, self.gradient = x, loss, gradient
        return Point(x, loss)

    def _search(self, direction: Tensor) -> tuple[Tensor, float, Tensor] | None:
        """Return a point that lies low enough, its loss and its gradient."""
        length = 1.0
        for _ in range(_MAX_TRIALS):
            x = self.problem.project(self.x + length * direction)
            loss, gradient = self.problem.value_and_grad(x)
            if not (math.isfinite(loss) and bool(gradient.isfinite().all())):
                self.problem.note("a trial step was not finite; it is shortened")
                length /= 10
                continue
            slope = float(self.gradient @ (x - self.x))
            if loss <= self.loss + _DECREASE * slope:
                return x, loss, gradient
            # The parabola through the start, its slope there and the trial's loss.
            ratio = -slope / (2 * (loss - self.loss - slope))
            length *= min(max(ratio, _SHRINK), 0.5)
        return None
