from typing import Any

import pytest
import torch
from torch import Tensor

from ganstyle.gatys.optimizers import CMAES
from ganstyle.gatys.optimizers.base import FORWARD_COST


def test_ill_conditioned_quadratic(run: Any, far: Tensor, functions: Any) -> None:
    problem = run(CMAES, functions.quadratic, far, 300, width=0.5)
    assert problem.best.loss < 1e-2


def test_rosenbrock(run: Any, bend: Tensor, functions: Any) -> None:
    problem = run(CMAES, functions.rosenbrock, bend, 100, width=0.3)
    assert problem.best.loss < 1e-3


def test_style(run: Any, style: Any) -> None:
    """Colors alone take the loss down by a little; strokes are out of its reach."""
    problem = run(CMAES, style, style.start, 40, problem=style.problem)
    assert problem.best.loss < style.first / 1.5


def test_computes_no_gradient(run: Any) -> None:
    def without(x: Tensor) -> Tensor:
        return torch.tensor(x.numpy().sum())  # fails on tensors that require a gradient

    problem = run(CMAES, without, torch.zeros(4), 3, population=6)
    assert problem.evaluations == pytest.approx((1 + 2 * 6) * FORWARD_COST)


def test_candidates_are_smooth(run: Any, style: Any) -> None:
    problem = run(CMAES, style, style.start, 5, problem=style.problem | {"lower": -9.0, "upper": 9.0}, grid=2)
    change = (problem.best.x - style.start).view(3, 24, 32)
    steps = change.diff(dim=-1)
    assert float(steps.diff(dim=-1).abs().max()) < 0.1 * float(change.abs().max())


def test_seed_determines_the_result(run: Any, style: Any) -> None:
    one, same, other = (
        run(CMAES, style, style.start, 3, problem=style.problem, seed=seed).best.loss for seed in (0, 0, 1)
    )
    assert one == same
    assert one != other


def test_largest_seed_is_taken(run: Any, style: Any) -> None:
    run(CMAES, style, style.start, 1, problem=style.problem, seed=2**32 - 1)


def test_non_finite_candidates_rank_last(run: Any) -> None:
    start = torch.full((3,), 0.3, dtype=torch.float64)
    problem = run(CMAES, lambda x: (x.log() + 0.1 / x).sum(), start, 60, width=0.2)
    torch.testing.assert_close(problem.best.x, torch.full_like(start, 0.1), atol=0.01, rtol=0)
