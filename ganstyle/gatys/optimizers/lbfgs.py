"""Limited-memory BFGS for functions in a box."""

import math
from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys.optimizers.base import Optimizer, Point, Problem
from ganstyle.gatys.optimizers.history import InverseHessian
from ganstyle.gatys.optimizers.wolfe import LinePoint, search


@dataclass(eq=False)
class LBFGS(Optimizer):
    """L-BFGS (Nocedal & Wright 2006, section 7.2) with a strong-Wolfe line search.

    Unlike ``torch.optim.LBFGS`` it keeps the picture in its range by projection: coordinates that lie on the
    box and press outwards are left out of the direction (Bertsekas 1982), and a trial point is projected
    before it is evaluated, so that the loss is always that of the picture one would save. Nearly all of its
    iterations cost one evaluation, for full steps nearly always meet the conditions. A history of 20 ends
    0.4 % lower after 100 evaluations, for 80 bytes more a coordinate (94 MB at 512x768).

    When no step along a direction helps, the history is forgotten; when none helps along the gradient
    either, the optimization ends.

    Args:
        problem: what is minimized.
        x: the start (n,).
        history: how many steps are remembered.
        first_step: root mean square change of a coordinate by the first trial.

    Raises:
        GanstyleError: nothing is remembered.
    """

    problem: Problem
    x: Tensor
    _: KW_ONLY
    history: int = 10
    first_step: float = 0.02

    def __post_init__(self) -> None:
        if self.history < 1:
            raise GanstyleError("lbfgs: give a history of 1 or more")
        self.x = self.problem.project(self.x)
        self.inverse = InverseHessian(self.problem.grid, self.history)
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
        found = None
        if float(self.gradient @ direction) < 0:
            found = search(self.problem, LinePoint(self.x, self.loss, self.gradient), direction)
        if found is None:
            if not len(self.inverse):
                return None
            self.inverse.clear()
            self.problem.note("no step along L-BFGS's direction helps; its history is forgotten")
            return Point(self.x, self.loss)
        self.inverse.update(found.x - self.x, found.gradient - self.gradient)
        self.x, self.loss, self.gradient = found
        return Point(self.x, self.loss)
