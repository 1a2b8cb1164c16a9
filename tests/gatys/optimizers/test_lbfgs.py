import math
from typing import Any

import pytest
import torch
from torch import Tensor

from ganstyle.gatys.optimizers import LBFGS, Problem


@pytest.mark.parametrize(("history", "steps"), [(10, 160), (20, 75)])
def test_ill_conditioned_quadratic(run: Any, far: Tensor, functions: Any, history: int, steps: int) -> None:
    """SciPy's L-BFGS-B takes 229 steps with a history of 10, and 57 with one of 20."""
    problem = run(LBFGS, functions.quadratic, far, steps, history=history)
    assert problem.best.loss < 1e-10
    torch.testing.assert_close(problem.best.x, torch.ones_like(far), atol=1e-4, rtol=0)


def test_rosenbrock(run: Any, bend: Tensor, functions: Any) -> None:
    problem = run(LBFGS, functions.rosenbrock, bend, 80)
    assert problem.best.loss < 1e-10


def test_style(run: Any, style: Any) -> None:
    problem = run(LBFGS, style, style.start, 40, problem=style.problem)
    assert problem.best.loss < style.first / 6


def test_beats_torchs_for_equal_evaluations(run: Any, style: Any) -> None:
    problem = run(LBFGS, style, style.start, 1000, problem=style.problem | {"max_evaluations": 40})
    x = style.start.clone().requires_grad_()
    theirs = torch.optim.LBFGS([x], max_iter=40, max_eval=40, history_size=20)
    losses = []

    def closure() -> Tensor:
        with torch.no_grad():
            x.clamp_(0, 1)
        theirs.zero_grad()
        loss: Tensor = style(x)
        loss.backward()  # type: ignore[no-untyped-call]
        losses.append(float(loss.detach()))
        return loss

    theirs.step(closure)  # type: ignore[no-untyped-call]
    assert problem.best.loss < min(losses[:40])


def test_beats_torchs_strong_wolfe_on_the_quadratic(run: Any, far: Tensor, functions: Any) -> None:
    x, passes = far.clone().requires_grad_(), 0
    theirs = torch.optim.LBFGS(
        [x],
        max_iter=60,
        max_eval=1000,
        history_size=10,
        line_search_fn="strong_wolfe",
        tolerance_grad=0,
        tolerance_change=0,
    )

    def closure() -> Tensor:
        nonlocal passes
        passes += 1
        theirs.zero_grad()
        loss: Tensor = functions.quadratic(x)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    theirs.step(closure)  # type: ignore[no-untyped-call]
    ours = run(LBFGS, functions.quadratic, far, 1000, problem={"max_evaluations": passes})
    assert ours.best.loss < float(functions.quadratic(x.detach()))


def test_minimum_on_the_bound_of_the_box(run: Any, functions: Any) -> None:
    start = torch.full((10,), 0.2, dtype=torch.float64)
    problem = run(LBFGS, functions.quadratic, start, 30, problem={"lower": 0.0, "upper": 0.5})
    torch.testing.assert_close(problem.best.x, torch.full_like(start, 0.5))


def test_reports_convergence(functions: Any) -> None:
    optimizer = LBFGS(Problem(functions.quadratic), torch.ones(4, dtype=torch.float64))
    assert optimizer.step() is not None
    assert optimizer.step() is None


def test_non_finite_steps_are_undone(run: Any) -> None:
    notes: list[str] = []

    def wall(x: Tensor) -> Tensor:
        """NaN from 0 downwards, minimum at 0.1."""
        return (x.log() + 0.1 / x).sum()

    start = torch.tensor([3.0, 5.0], dtype=torch.float64)
    problem = run(LBFGS, wall, start, 60, problem={"note": notes.append}, first_step=20.0)
    torch.testing.assert_close(problem.best.x, torch.full_like(start, 0.1), atol=1e-4, rtol=0)
    assert any("not finite" in note for note in notes)


def test_misleading_history_is_reset(functions: Any) -> None:
    notes: list[str] = []
    start = torch.zeros(4, dtype=torch.float64)
    optimizer = LBFGS(Problem(functions.quadratic, note=notes.append), start)
    optimizer.step()
    optimizer.inverse.update(torch.ones_like(start), torch.full_like(start, 1e-30))  # nearly flat: not so
    assert optimizer.step() is not None
    assert notes == ["no step along L-BFGS's direction helps; its history is forgotten"]
    for _ in range(40):
        optimizer.step()
    assert optimizer.loss < 1e-10


def test_nan_at_the_start_is_not_the_best() -> None:
    problem = Problem(lambda x: (x * math.nan).sum())
    optimizer = LBFGS(problem, torch.ones(3))
    optimizer.step()
    assert problem.best is None
