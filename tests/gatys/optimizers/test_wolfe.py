import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ganstyle.gatys.optimizers import Problem
from ganstyle.gatys.optimizers.wolfe import LinePoint, search


def bowl(x: Tensor) -> Tensor:
    """Minimum 0 at 1."""
    return (x - 1).square().sum() / 2


def quartic(x: Tensor) -> Tensor:
    return (x**4 / 4 - x).sum()


def begin(problem: Problem, x: Tensor) -> LinePoint:
    trial = LinePoint(x, *problem.value_and_grad(x))
    problem.evaluations = 0.0
    return trial


@pytest.mark.parametrize("function", [bowl, quartic])
@pytest.mark.parametrize("length", [1e-4, 1e-2, 0.3, 1.0, 3.0, 1e3, 1e6])
def test_wolfe_conditions_hold_for_any_initial_step(
    function: Callable[[Tensor], Tensor], length: float
) -> None:
    problem, x = Problem(function), torch.tensor([-0.5, 0.2], dtype=torch.float64)
    start = begin(problem, x)
    direction = -length * start.gradient
    found = search(problem, start, direction)
    assert found is not None
    slope = float(start.gradient @ direction)
    step = float((found.x - x).norm() / direction.norm())
    assert found.loss <= start.loss + 1e-4 * step * slope
    assert abs(float(found.gradient @ direction)) <= 0.9 * abs(slope)
    assert problem.evaluations <= 12


def test_good_first_step_costs_one_evaluation() -> None:
    problem = Problem(bowl)
    start = begin(problem, torch.zeros(3))
    found = search(problem, start, -start.gradient)
    assert found is not None
    assert found.loss == 0
    assert problem.evaluations == 1


def test_short_step_is_lengthened() -> None:
    problem = Problem(bowl)
    start = begin(problem, torch.zeros(3))
    found = search(problem, start, -0.01 * start.gradient)
    assert found is not None
    assert float(found.x[0]) > 0.05


def test_line_search_is_projected_onto_the_box() -> None:
    problem = Problem(bowl, lower=0.0, upper=0.5)
    start = begin(problem, torch.tensor([0.1, 0.4]))
    found = search(problem, start, -10 * start.gradient)
    assert found is not None
    assert found.x.tolist() == [0.5, 0.5]
    assert problem.evaluations == 1


def test_line_search_backtracks_from_non_finite_losses() -> None:
    notes: list[str] = []
    problem = Problem(lambda x: (x - x.log()).sum(), note=notes.append)  # minimum 1 at 1, NaN below 0
    start = begin(problem, torch.tensor([3.0], dtype=torch.float64))
    found = search(problem, start, torch.tensor([-50.0], dtype=torch.float64))
    assert found is not None
    assert math.isfinite(found.loss)
    assert found.loss < start.loss
    assert set(notes) == {"a trial step was not finite; it is shortened"}


def test_line_search_without_descent_fails() -> None:
    problem = Problem(lambda x: x.abs().sum())
    start = begin(problem, torch.tensor([0.0]))
    assert search(problem, start._replace(gradient=torch.tensor([1.0])), torch.tensor([-1.0])) is None
    assert problem.evaluations == 12


def test_line_search_at_a_kink_takes_the_lowest() -> None:
    """|x|: the slope is 1 on either side, so that the second condition is never met."""
    losses: list[float] = []

    def kink(x: Tensor) -> Tensor:
        losses.append(float(x.detach().abs()))
        return x.abs().sum()

    problem = Problem(kink)
    start = begin(problem, torch.tensor([1.0], dtype=torch.float64))
    found = search(problem, start, torch.tensor([-1.4], dtype=torch.float64))
    assert found is not None
    assert found.loss == min(losses) < 0.01
    assert losses[-1] > 2 * found.loss
