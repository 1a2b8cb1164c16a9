"""The interface between an optimizer and what it minimizes."""

import math
import time
from collections.abc import Callable
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

import torch
from torch import Tensor

FORWARD_COST = 0.4
"""What a pass without a gradient costs, in passes forwards and backwards through a frozen VGG-16."""

GRAPH_COST = 1.3
"""The same for a gradient that can itself be differentiated."""

PRODUCT_COST = 2.5
"""The same for one Hessian-vector product by differentiating such a gradient."""


class OutOfBudget(Exception):  # noqa: N818 — the regular end of an optimization
    """Raised by a `Problem` when one more evaluation than its budget is requested.

    Args:
        what: what is spent.
    """

    def __init__(self, what: Literal["evaluations", "seconds"]) -> None:
        super().__init__(what)
        self.what = what


class Point(NamedTuple):
    """A vector and the function's value there."""

    x: Tensor
    loss: float


class Problem:
    """A function of a flat float32 vector, perhaps in a box, that counts its evaluations.

    It remembers the best point at which it was evaluated, so that an optimization can end at any moment.

    Args:
        function: from a vector (n,) to a scalar; differentiable.
        lower: no coordinate may be below it.
        upper: no coordinate may be above it.
        max_evaluations: after these, `OutOfBudget` is raised; None: no limit.
        deadline: on the clock of ``time.perf_counter``; past it, `OutOfBudget` is raised; None: none.
        grid: (channels, height, width), if the vector holds a picture.
        spent: returns the fraction of the budget that is spent, for methods with a schedule.
        note: called with one line about anything a person should know.
    """

    def __init__(
        self,
        function: Callable[[Tensor], Tensor],
        *,
        lower: float = -math.inf,
        upper: float = math.inf,
        max_evaluations: float | None = None,
        deadline: float | None = None,
        grid: tuple[int, int, int] | None = None,
        spent: Callable[[], float] = lambda: 0.0,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.function = function
        self.lower, self.upper = lower, upper
        self.max_evaluations, self.deadline = max_evaluations, deadline
        self.grid, self.spent, self.note = grid, spent, note
        self.evaluations = 0.0
        self.best: Point | None = None

    def project(self, x: Tensor) -> Tensor:
        """Return the nearest point of the box."""
        if math.isinf(self.lower) and math.isinf(self.upper):
            return x
        return x.clamp(self.lower, self.upper)

    def free(self, x: Tensor, gradient: Tensor) -> Tensor:
        """Tell which coordinates can move downhill without leaving the box: a mask (n,) of 0 and 1."""
        stuck = ((x <= self.lower) & (gradient > 0)) | ((x >= self.upper) & (gradient < 0))
        return (~stuck).to(x.dtype)

    def value(self, x: Tensor) -> float:
        """Return f(x)."""
        self._charge(FORWARD_COST)
        with torch.no_grad():
            return self._seen(x, self.function(x))

    def value_and_grad(self, x: Tensor, *, probe: bool = False) -> tuple[float, Tensor]:
        """Return f(x) and its gradient (n,); neither need be finite.

        A probe is never remembered as the best point; it may be outside the box.
        """
        self._charge(1.0)
        leaf = x.detach().requires_grad_()
        with torch.enable_grad():
            loss = self.function(leaf)
            (gradient,) = torch.autograd.grad(loss, leaf)
        return (float(loss.detach()) if probe else self._seen(x, loss)), gradient

    def exact_product(self, x: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the function that multiplies a vector (n,) by the Hessian at x, by double backward."""
        self._charge(GRAPH_COST)
        leaf = x.detach().requires_grad_()
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(self.function(leaf), leaf, create_graph=True)

        def product(vector: Tensor) -> Tensor:
            self._charge(PRODUCT_COST)
            (image,) = torch.autograd.grad(gradient, leaf, vector, retain_graph=True)
            return image

        return product

    def _charge(self, cost: float) -> None:
        if self.max_evaluations is not None and self.evaluations + cost > self.max_evaluations + 1e-6:
            raise OutOfBudget("evaluations")
        if self.deadline is not None and time.perf_counter() > self.deadline:
            raise OutOfBudget("seconds")
        self.evaluations += cost

    def _seen(self, x: Tensor, loss: Tensor) -> float:
        value = float(loss.detach())
        if math.isfinite(value) and (self.best is None or value < self.best.loss):
            self.best = Point(x.detach(), value)
        return value


class Optimizer(Protocol):
    """One optimizer at work on one problem, from one start.

    Optimizers are dataclasses that inherit from this class: the first two fields are the problem and the
    start (n,), the others, which are keyword-only, its options. One that is not deterministic has a ``seed``.
    An optimizer must never write to a tensor that it has handed to the problem.

    Attributes:
        deterministic: it draws nothing: from one start it takes one path.
        gradient_free: it asks for values only.
        scheduled: what it does depends on how much of the budget is spent, so that it is not done before.
        requires: the module that it needs and that is not always installed; None: none.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    deterministic: ClassVar[bool] = True
    gradient_free: ClassVar[bool] = False
    scheduled: ClassVar[bool] = False
    requires: ClassVar[str | None] = None

    def step(self) -> Point | None:
        """Do one step and return where it led; None: no further progress can be made."""
        ...
