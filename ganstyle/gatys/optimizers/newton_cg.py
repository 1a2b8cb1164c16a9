"""Truncated Newton: conjugate gradients inside a trust region."""

import math
from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys.optimizers.base import Optimizer, Point, Problem
from ganstyle.gatys.optimizers.conjugate import TINY, Leg, conjugate_gradients, follow
from ganstyle.gatys.optimizers.history import InverseHessian

_MAX_REJECTIONS = 12


@dataclass(eq=False)
class NewtonCG(Optimizer):
    """Trust-region Newton-CG (Steihaug 1983; Nocedal & Wright 2006, algorithms 4.1 and 7.2), in a box.

    The Newton system is solved roughly, by conjugate gradients that need the Hessian only as products with
    vectors. They end when the residual is small, at the trust region's edge, or where the curvature is
    negative: there the step continues to the edge. Coordinates that press outward at the box are held.
    A step that does not help, or is not finite, shrinks the region; the same path is then followed less far,
    which needs no further products.

    The products are differences of two gradients, ``(∇f(x + εv) − ∇f(x)) / ε``, a step apart that is as
    long as a useful step; "exact" ones differentiate the gradient once more.
    On a network of ReLUs and maximum pooling the exact Hessian is the wrong one: it sees no kinks, and most
    of the curvature that a step meets lies in kinks that it crosses. Measured at 128 px (a photo of a house,
    a painting, VGG-16 up to relu3_3, 100 evaluations; L-BFGS: loss 1.10): differences reach 1.21 at the cost
    of one evaluation a product; Gauss–Newton products (forward mode through the network, then backwards; at
    a cost of 2) 1.34; double backward (at a cost of 2.5) 1.6. Finer differences (ε a third) are worse.

    The products already paid for precondition the next step's conjugate gradients: they are L-BFGS pairs
    without line-search noise (Morales & Nocedal 2000). Without this the loss after 60 evaluations is 1.68
    instead of 1.37.

    Args:
        problem: what is minimized.
        x: the start (n,).
        hessian: "differences" or "exact".
        products: the most Hessian-vector products in one step.
        tolerance: conjugate gradients end when the residual has shrunk to this fraction.
        radius: root mean square change of a coordinate by the first step at most.
        difference: ε, as the root mean square change of a coordinate.
        history: how many pairs make up the preconditioner; 0: there is none.

    Raises:
        GanstyleError: no such kind of product, or none at all, or no way to go.
    """

    problem: Problem
    x: Tensor
    _: KW_ONLY
    hessian: str = "differences"
    products: int = 8
    tolerance: float = 0.1
    radius: float = 0.05
    difference: float = 0.01
    history: int = 20

    def __post_init__(self) -> None:
        if self.hessian not in ("differences", "exact"):
            raise GanstyleError(f"newton-cg: hessian '{self.hessian}' is unknown; give differences or exact")
        if self.products < 1 or self.radius <= 0 or self.difference <= 0:
            raise GanstyleError("newton-cg: give 1 product or more, a radius and a difference above 0")
        self.x = self.problem.project(self.x)
        self.unit = math.sqrt(len(self.x))  # a vector of root mean square 1 is as long as this
        self.radius *= self.unit
        self.inverse = InverseHessian(self.problem.grid, self.history) if self.history else None
        self.gradient, self.loss = torch.empty(0), math.nan

    def step(self) -> Point | None:
        """Do one step; the first only evaluates the start."""
        if not math.isnan(self.loss):
            return self._walk(self._path())
        self.loss, self.gradient = self.problem.value_and_grad(self.x)
        return Point(self.x, self.loss)

    def _path(self) -> list[Leg]:
        """Return the path of conjugate gradients from the present point."""
        free = self.problem.free(self.x, self.gradient)
        product = self.problem.exact_product(self.x) if self.hessian == "exact" else self._by_differences

        def finite_product(vector: Tensor) -> Tensor:
            image = product(vector) * free
            if bool(image.isfinite().all()):
                return image
            self.problem.note("a Hessian-vector product was not finite; it counts as zero")
            return torch.zeros_like(image)  # no curvature: the path goes straight on to the edge

        path = conjugate_gradients(
            finite_product,
            self.gradient * free,
            lambda vector: vector if self.inverse is None else self.inverse.apply(vector) * free,
            radius=self.radius,
            products=self.products,
            tolerance=self.tolerance,
        )
        if self.inverse is not None:
            for leg in path:
                self.inverse.update(leg.direction, leg.image)
        return path

    def _walk(self, path: list[Leg]) -> Point | None:
        """Go along the path as far as the trust region reaches, and adapt the region to what is found."""
        for _ in range(_MAX_REJECTIONS):
            move, promised, at_edge = follow(path, self.radius)
            x = self.problem.project(self.x + move)
            loss, gradient = self.problem.value_and_grad(x)
            finite = math.isfinite(loss) and bool(gradient.isfinite().all())
            ratio = (self.loss - loss) / (promised + TINY) if finite else -1.0
            if not finite:
                self.problem.note("a trial step was not finite; the trust region shrinks")
            if ratio < 0.25:
                self.radius = 0.25 * min(self.radius, float(move.norm()))
            elif ratio > 0.75 and at_edge:
                self.radius *= 2.5
            if finite and loss < self.loss:
                self.x, self.loss, self.gradient = x, loss, gradient
                return Point(x, loss)
        return None

    def _by_differences(self, vector: Tensor) -> Tensor:
        epsilon = self.difference * self.unit / (float(vector.norm()) + TINY)
        _, gradient = self.problem.value_and_grad(self.x + epsilon * vector, probe=True)
        return (gradient - self.gradient) / epsilon
