"""Conjugate gradients on a quadratic model, and their path as far as a trust region reaches."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Product = Callable[[Tensor], Tensor]

TINY = 1e-30
"""Keeps lengths of zero out of denominators."""


@dataclass(frozen=True)
class Leg:
    """A straight part of the path of conjugate gradients.

    Attributes:
        start: where it begins, from the present point.
        direction: where it goes.
        image: the Hessian times the direction.
        slope: of the model along the direction, at the leg's start.
        curvature: of the model along the direction.
        length: in multiples of the direction, to the model's minimum along it; infinite if there is none.
    """

    start: Tensor
    direction: Tensor
    image: Tensor
    slope: float
    curvature: float
    length: float


def conjugate_gradients(
    product: Product,
    gradient: Tensor,
    precondition: Product,
    *,
    radius: float,
    products: int,
    tolerance: float,
) -> list[Leg]:
    """Minimize the model gᵀs + ½ sᵀHs from s = 0 (Steihaug 1983; Nocedal & Wright 2006, algorithm 7.2).

    It ends when the residual is small, beyond the trust region, or where the curvature is not positive.

    Args:
        product: from a vector to H times it.
        gradient: g (n,), not zero.
        precondition: from a vector to the inverse of a rough H times it.
        radius: no leg starts further out than this.
        products: the most legs.
        tolerance: fraction of the residual's preconditioned norm at which to end.

    Returns:
        At least one leg.
    """
    legs: list[Leg] = []
    s, residual, preconditioned = torch.zeros_like(gradient), gradient, precondition(gradient)
    direction, size = -preconditioned, float(gradient @ preconditioned)
    goal = tolerance**2 * size
    while True:
        image = product(direction)
        slope, curvature = float(residual @ direction), float(direction @ image)
        length = -slope / curvature if curvature > 0 else math.inf
        legs.append(Leg(s, direction, image, slope, curvature, length))
        if len(legs) == products or not math.isfinite(length):
            return legs
        s = s + length * direction
        residual = residual + length * image
        preconditioned = precondition(residual)
        size, before = float(residual @ preconditioned), size
        if not size > goal or float(s.norm()) >= radius:
            return legs
        direction = -preconditioned + (size / before) * direction


def follow(path: list[Leg], radius: float) -> tuple[Tensor, float, bool]:
    """Go along a path until it ends or leaves the ball.

    Returns:
        The step (n,), the decrease of the model by it, and whether it ends at the ball's edge.
    """
    decrease = 0.0
    for leg in path:
        a, b = float(leg.direction.square().sum()) + TINY, float(leg.start @ leg.direction)
        c = radius**2 - float(leg.start.square().sum())
        edge = (math.sqrt(max(b * b + a * c, 0.0)) - b) / a
        length = min(leg.length, edge)
        decrease -= length * leg.slope + length**2 * leg.curvature / 2
        if edge <= leg.length:
            return leg.start + edge * leg.direction, decrease, True
    return path[-1].start + path[-1].length * path[-1].direction, decrease, False
