import time

import pytest
import torch
from torch import Tensor

from ganstyle.gatys.optimizers import OPTIMIZERS, OutOfBudget, Problem
from ganstyle.gatys.optimizers.base import FORWARD_COST, GRAPH_COST, PRODUCT_COST


def cubic(x: Tensor) -> Tensor:
    return (x**3).sum() + x[0] * x[1]


def test_registry_has_five_optimizers() -> None:
    assert sorted(OPTIMIZERS) == ["adam", "cma-es", "langevin", "lbfgs", "newton-cg"]


def test_values_gradients_and_products() -> None:
    problem, x = Problem(cubic), torch.tensor([1.0, 2.0], dtype=torch.float64)
    assert problem.value(x) == 11.0
    loss, gradient = problem.value_and_grad(x)
    assert loss == 11.0
    torch.testing.assert_close(gradient, torch.tensor([5.0, 13.0], dtype=torch.float64))
    product = problem.exact_product(x)
    hessian = torch.tensor([[6.0, 1.0], [1.0, 12.0]], dtype=torch.float64)
    for vector in torch.eye(2, dtype=torch.float64):
        torch.testing.assert_close(product(vector), hessian @ vector)
    assert problem.evaluations == pytest.approx(FORWARD_COST + 1 + GRAPH_COST + 2 * PRODUCT_COST)


def test_best_finite_point_is_kept() -> None:
    problem = Problem(lambda x: x.log().sum())
    for value in (3.0, 0.5, -1.0, 2.0):
        problem.value(torch.tensor([value]))
    assert problem.best is not None
    assert problem.best.x == 0.5


def test_points_are_clamped_to_the_box() -> None:
    problem = Problem(cubic, lower=0.0, upper=1.0)
    x = problem.project(torch.tensor([-1.0, 0.5, 2.0]))
    assert x.tolist() == [0.0, 0.5, 1.0]
    assert problem.free(x, torch.tensor([1.0, 1.0, 1.0])).tolist() == [0.0, 1.0, 1.0]
    assert problem.free(x, torch.tensor([-1.0, -1.0, -1.0])).tolist() == [1.0, 1.0, 0.0]


def test_problem_without_a_box() -> None:
    x = torch.tensor([-1e9, 1e9])
    problem = Problem(cubic)
    assert torch.equal(problem.project(x), x)
    assert problem.free(x, x).tolist() == [1.0, 1.0]


def test_evaluation_budget_ends_the_run() -> None:
    problem, x = Problem(cubic, max_evaluations=2), torch.ones(2)
    problem.value_and_grad(x)
    problem.value_and_grad(x)
    with pytest.raises(OutOfBudget):
        problem.value(x)
    assert problem.evaluations == 2


def test_time_budget_ends_the_run() -> None:
    problem = Problem(cubic, deadline=time.perf_counter() - 1)
    with pytest.raises(OutOfBudget):
        problem.value_and_grad(torch.ones(2))
