from typing import Any

import pytest
import torch
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys.optimizers import NewtonCG, Problem


@pytest.mark.parametrize("options", [{"hessian": "exact"}, {"difference": 1e-6}])
def test_ill_conditioned_quadratic(run: Any, far: Tensor, functions: Any, options: dict[str, Any]) -> None:
    problem = run(NewtonCG, functions.quadratic, far, 30, **options)
    assert problem.best.loss < 1e-8
    torch.testing.assert_close(problem.best.x, torch.ones_like(far), atol=1e-4, rtol=0)


@pytest.mark.parametrize("options", [{"hessian": "exact"}, {"difference": 1e-6}])
def test_rosenbrock(run: Any, bend: Tensor, functions: Any, options: dict[str, Any]) -> None:
    problem = run(NewtonCG, functions.rosenbrock, bend, 60, **options)
    assert problem.best.loss < 1e-10


@pytest.mark.parametrize("hessian", ["exact", "differences"])
def test_style(run: Any, style: Any, hessian: str) -> None:
    problem = run(NewtonCG, style, style.start, 12, problem=style.problem, hessian=hessian)
    assert problem.best.loss < style.first / 4.5


def test_preconditioner_saves_evaluations(run: Any, functions: Any) -> None:
    start = torch.linspace(-2, 3, 60, dtype=torch.float64)
    losses = [
        run(NewtonCG, functions.quadratic, start, 10, hessian="exact", history=history).best.loss
        for history in (60, 0)
    ]
    assert losses[0] < losses[1] / 10


def test_negative_curvature_leaves_a_saddle(run: Any) -> None:
    def saddle(x: Tensor) -> Tensor:
        return x[0].square() - x[1].square() + x[1] ** 4 / 4

    start = torch.tensor([1.0, 1e-3], dtype=torch.float64)
    problem = run(NewtonCG, saddle, start, 40, hessian="exact")
    assert problem.best.loss == pytest.approx(-1.0)


def test_minimum_on_the_bound_of_the_box(run: Any, functions: Any) -> None:
    start = torch.full((10,), 0.2, dtype=torch.float64)
    limits = {"lower": 0.0, "upper": 0.5}
    problem = run(NewtonCG, functions.quadratic, start, 30, problem=limits, difference=1e-4)
    torch.testing.assert_close(problem.best.x, torch.full_like(start, 0.5))


def test_non_finite_steps_are_undone(run: Any) -> None:
    notes: list[str] = []
    start = torch.tensor([3.0, 5.0], dtype=torch.float64)
    problem = run(
        NewtonCG,
        lambda x: (x.log() + 0.1 / x).sum(),  # NaN from 0 downwards
        start,
        60,
        problem={"note": notes.append},
        hessian="exact",
        radius=50.0,
    )
    torch.testing.assert_close(problem.best.x, torch.full_like(start, 0.1), atol=1e-3, rtol=0)
    assert any("not finite" in note for note in notes)


def test_unknown_hessian() -> None:
    with pytest.raises(GanstyleError, match="differences or exact"):
        NewtonCG(Problem(lambda x: x.sum()), torch.ones(2), hessian="broyden")
