import math
from typing import Any

import pytest
import torch
from torch import Tensor

from ganstyle.gatys.optimizers import Langevin, Problem

CURVATURES = torch.tensor([1.0, 4.0, 16.0], dtype=torch.float64)


def bowl(x: Tensor) -> Tensor:
    return (CURVATURES.repeat_interleave(len(x) // 3) * x.square()).sum() / 2


def samples(steps: int, **options: Any) -> Tensor:
    """Return (steps, 3, 200): two hundred independent copies of each curvature, after a burn-in."""
    optimizer = Langevin(Problem(bowl), torch.zeros(600, dtype=torch.float64), cooling=0.0, **options)
    points = []
    for i in range(steps + 100):
        point = optimizer.step()
        assert point is not None
        if i >= 100:
            points.append(point.x)
    return torch.stack(points).view(steps, 3, 200)


def test_stationary_variance_is_temperature_over_curvature() -> None:
    """The density is exp(−k·x²/2T): a Gaussian of variance T/k; a step ε adds the factor 1/(1 − εk/2)."""
    temperature, lr = 0.5, 0.01
    found = samples(600, lr=lr, temperature=temperature * 300, precondition=False)
    expected = temperature / CURVATURES / (1 - lr * CURVATURES / 2)
    torch.testing.assert_close(found.var((0, 2)), expected, rtol=0.1, atol=0)


def test_metropolis_removes_step_size_bias() -> None:
    temperature = 0.5
    found = samples_adjusted(800, lr=0.05, temperature=temperature * 300)
    torch.testing.assert_close(found.var((0, 2)), temperature / CURVATURES, rtol=0.1, atol=0)


def samples_adjusted(steps: int, **options: Any) -> Tensor:
    problem = Problem(bowl, spent=lambda: 0.6)  # in the second half from the start
    optimizer = Langevin(
        problem,
        torch.zeros(600, dtype=torch.float64),
        cooling=0.0,
        precondition=False,
        metropolis=True,
        **options,
    )
    points = [point.x for point in (optimizer.step() for _ in range(steps + 300)) if point is not None]
    return torch.stack(points[300:]).view(steps, 3, 200)


def test_metropolis_rejection_rate() -> None:
    found = samples_adjusted(300, lr=0.05, temperature=150.0)
    stayed = float((found[1:] == found[:-1]).all((1, 2)).double().mean())
    assert stayed == pytest.approx(1 - 0.574, abs=0.12)


def test_reflection_keeps_the_density_at_the_bounds() -> None:
    """Flat in [0, 1]: uniform, with nothing piled up at 0 and 1."""
    problem = Problem(lambda x: 0 * x.sum(), lower=0.0, upper=1.0)
    start = torch.full((4000,), 0.5, dtype=torch.float64)
    optimizer = Langevin(problem, start, lr=1.0, temperature=60.0, cooling=0.0, precondition=False)
    for _ in range(60):
        point = optimizer.step()
    assert point is not None
    shares = torch.histc(point.x, bins=4, min=0, max=1) / 4000
    torch.testing.assert_close(shares, torch.full_like(shares, 0.25), atol=0.03, rtol=0)
    assert float(((point.x == 0) | (point.x == 1)).double().mean()) < 0.01


def test_ill_conditioned_quadratic(run: Any, far: Tensor, functions: Any) -> None:
    problem = run(Langevin, functions.quadratic, far, 1500, lr=0.1, temperature=0.1)
    assert problem.best.loss < 0.05


def test_rosenbrock(run: Any, bend: Tensor, functions: Any) -> None:
    problem = run(Langevin, functions.rosenbrock, bend, 1500, lr=0.1, temperature=0.1)
    assert problem.best.loss < 0.05


@pytest.mark.parametrize("metropolis", [False, True])
def test_style(run: Any, style: Any, metropolis: bool) -> None:
    problem = run(Langevin, style, style.start, 150, problem=style.problem, metropolis=metropolis)
    assert problem.best.loss < style.first / 5


def test_seed_determines_the_samples(run: Any, style: Any) -> None:
    one, same, other = (
        run(Langevin, style, style.start, 5, problem=style.problem, seed=seed).best.loss for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


def test_non_finite_steps_are_undone(run: Any) -> None:
    notes: list[str] = []
    start = torch.tensor([3.0, 5.0], dtype=torch.float64)
    problem = run(
        Langevin,
        lambda x: (x.log() + 0.1 / x).sum(),  # NaN from 0 downwards
        start,
        400,
        problem={"note": notes.append},
        lr=3.0,
        temperature=0.001,
    )
    assert problem.best.loss < -1
    assert any("taken back" in note for note in notes)


def test_stops_where_the_loss_is_never_finite() -> None:
    start, notes = torch.ones(3), list[str]()

    def island(x: Tensor) -> Tensor:
        return x.sum() if torch.equal(x.detach(), start) else (x * math.nan).sum()

    optimizer = Langevin(Problem(island, note=notes.append), start)
    assert [optimizer.step() for _ in range(10)][-1] is None
    assert len(notes) == 8
