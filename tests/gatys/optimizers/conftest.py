"""Functions with known minima, and a style problem small enough for every test."""

import math
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from ganstyle.gatys import Objective, ScaleInputs
from ganstyle.gatys.objective import content_term, style_term, variation_term
from ganstyle.gatys.optimizers import Optimizer, OutOfBudget, Problem

Run = Callable[..., Problem]


def quadratic(x: Tensor) -> Tensor:
    """Ill-conditioned: curvatures from 1 to 10,000, minimum 0 at (1, …, 1)."""
    curvatures = torch.logspace(0, 4, len(x), dtype=x.dtype)
    return (curvatures * (x - 1).square()).sum() / 2


def rosenbrock(x: Tensor) -> Tensor:
    """Minimum 0 at (1, 1), at the end of a curved valley."""
    return 100 * (x[1] - x[0].square()).square() + (1 - x[0]).square()


@pytest.fixture
def functions() -> SimpleNamespace:
    """Return the functions above."""
    return SimpleNamespace(quadratic=quadratic, rosenbrock=rosenbrock)


@pytest.fixture
def far() -> Tensor:
    """Where descents on the quadratic start: ten coordinates."""
    return torch.linspace(-2, 3, 10, dtype=torch.float64)


@pytest.fixture
def bend() -> Tensor:
    """Rosenbrock's classical start."""
    return torch.tensor([-1.2, 1.0], dtype=torch.float64)


@pytest.fixture
def run() -> Run:
    """Return a function that does so many steps and returns the problem, which knows the best point."""

    def run(
        kind: type[Optimizer],
        function: Callable[[Tensor], Tensor],
        x: Tensor,
        steps: int,
        *,
        problem: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Problem:
        done = 0
        spent = {"spent": lambda: done / steps}
        it = Problem(function, **(spent | dict(problem or {})))
        make: Callable[..., Optimizer] = kind
        optimizer = make(it, x, **options)
        for _ in range(steps):
            try:
                point = optimizer.step()
            except OutOfBudget:
                break
            done += 1
            if point is None:
                break
            assert point.loss == pytest.approx(float(function(point.x)), rel=1e-5, nan_ok=True)
        assert it.best is not None
        return it

    return run


def _network(x: Tensor) -> dict[str, Tensor]:
    """Two layers of random filters, always the same."""
    generator = torch.Generator().manual_seed(0)
    maps = {}
    for layer, (inputs, outputs) in {"one": (3, 8), "two": (8, 12)}.items():
        weight = torch.randn(outputs, inputs, 3, 3, generator=generator) / math.sqrt(4.5 * inputs)
        x = torch.nn.functional.conv2d(x - 0.3 if inputs == 3 else x, weight.to(x), padding=1).relu()
        maps[layer] = x
        x = torch.nn.functional.avg_pool2d(x, 2)
    return maps


class StyleProblem:
    """A photo of smooth colors, a painting of stripes, both 24x32 pixels.

    Attributes:
        start: the photo as a vector.
        problem: the keywords that tell a `Problem` about it.
    """

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(1)
        corners = torch.rand(1, 3, 3, 4, generator=generator)
        photo = torch.nn.functional.interpolate(corners, (24, 32), mode="bilinear")
        stripes = (torch.arange(32).div(3, rounding_mode="floor") % 2).float().expand(1, 3, 24, 32)
        painting = stripes * torch.tensor([0.9, 0.6, 0.1]).view(1, 3, 1, 1)
        inputs = ScaleInputs((24, 32), photo, [painting], _network)
        layers = {"one": 1.0, "two": 1.0}
        with torch.no_grad():
            self.objective = Objective(
                _network,
                {
                    "content": (1.0, content_term({"two": 1.0})(inputs)),
                    "style": (10.0, style_term(layers, [1.0])(inputs)),
                    "tv": (0.01, variation_term(inputs)),
                },
            )
        self.start = photo.flatten()
        self.problem = {"lower": 0.0, "upper": 1.0, "grid": (3, 24, 32)}
        self.first = float(self(self.start))

    def __call__(self, x: Tensor) -> Tensor:
        return self.objective(x.view(1, 3, 24, 32))[0]


@pytest.fixture
def style() -> StyleProblem:
    """Return the style problem."""
    return StyleProblem()
