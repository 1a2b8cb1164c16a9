from typing import Any

import pytest
import torch
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys.optimizers import NewtonCG, Problem
from ganstyle.gatys.optimizers.newton_cg import conjugate_gradients, follow


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


def test_the_preconditioner_pays(run: Any, functions: Any) -> None:
    start = torch.linspace(-2, 3, 60, dtype=torch.float64)
    losses = [
        run(NewtonCG, functions.quadratic, start, 10, hessian="exact", history=history).best.loss
        for history in (60, 0)
    ]
    assert losses[0] < losses[1] / 10


def test_leaves_a_saddle_by_negative_curvature(run: Any) -> None:
    def saddle(x: Tensor) -> Tensor:
        return x[0].square() - x[1].square() + x[1] ** 4 / 4

    start = torch.tensor([1.0, 1e-3], dtype=torch.float64)
    problem = run(NewtonCG, saddle, start, 40, hessian="exact")
    assert problem.best.loss == pytest.approx(-1.0)


def test_ends_on_the_face_of_the_box(run: Any, functions: Any) -> None:
    start = torch.full((10,), 0.2, dtype=torch.float64)
    limits = {"lower": 0.0, "upper": 0.5}
    problem = run(NewtonCG, functions.quadratic, start, 30, problem=limits, difference=1e-4)
    torch.testing.assert_close(problem.best.x, torch.full_like(start, 0.5))


def test_recovers_from_steps_that_are_not_finite(run: Any) -> None:
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


def solve(matrix: Tensor, gradient: Tensor, radius: float, products: int = 20) -> tuple[Tensor, float, bool]:
    path = conjugate_gradients(
        lambda vector: matrix @ vector,
        gradient,
        lambda v: v,
        radius=radius,
        products=products,
        tolerance=1e-8,
    )
    return follow(path, radius)


def test_conjugate_gradients_solve_the_newton_system() -> None:
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(6, 6, generator=generator, dtype=torch.float64)
    matrix, gradient = root @ root.T + torch.eye(6), torch.randn(6, generator=generator, dtype=torch.float64)
    step, decrease, at_edge = solve(matrix, gradient, 1e6)
    expected = -torch.linalg.solve(matrix, gradient)
    torch.testing.assert_close(step, expected)
    assert decrease == pytest.approx(float(-gradient @ expected) / 2)
    assert not at_edge


def test_conjugate_gradients_stay_in_the_region() -> None:
    matrix, gradient = torch.diag(torch.tensor([1.0, 10.0])), torch.tensor([4.0, 4.0])
    step, decrease, at_edge = solve(matrix, gradient, 0.5)
    assert at_edge
    assert float(step.norm()) == pytest.approx(0.5)
    assert decrease == pytest.approx(float(-gradient @ step - step @ matrix @ step / 2))


def test_conjugate_gradients_follow_negative_curvature_to_the_edge() -> None:
    matrix, gradient = torch.diag(torch.tensor([1.0, -1.0])), torch.tensor([0.0, 0.5])
    step, decrease, at_edge = solve(matrix, gradient, 3.0)
    assert at_edge
    torch.testing.assert_close(step, torch.tensor([0.0, -3.0]))
    assert decrease == pytest.approx(1.5 + 4.5)


def test_the_same_path_serves_a_smaller_region() -> None:
    matrix, gradient = torch.diag(torch.tensor([1.0, 10.0, 3.0])), torch.tensor([4.0, 4.0, -2.0])
    path = conjugate_gradients(
        lambda vector: matrix @ vector, gradient, lambda v: v, radius=9.0, products=9, tolerance=1e-6
    )
    for radius in (2.0, 1.0, 0.1):
        step, decrease, at_edge = follow(path, radius)
        assert at_edge
        assert float(step.norm()) == pytest.approx(radius, rel=1e-5)
        assert decrease == pytest.approx(float(-gradient @ step - step @ matrix @ step / 2), rel=1e-4)
