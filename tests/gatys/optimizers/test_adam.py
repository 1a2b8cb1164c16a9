from typing import Any

import torch
from torch import Tensor

from ganstyle.gatys.optimizers import Adam, Problem


def test_ill_conditioned_quadratic(run: Any, far: Tensor, functions: Any) -> None:
    problem = run(Adam, functions.quadratic, far, 1000, lr=0.1)
    assert problem.best.loss < 1e-3


def test_rosenbrock(run: Any, bend: Tensor, functions: Any) -> None:
    problem = run(Adam, functions.rosenbrock, bend, 2000, lr=0.05)
    assert problem.best.loss < 1e-3


def test_style(run: Any, style: Any) -> None:
    problem = run(Adam, style, style.start, 80, problem=style.problem)
    assert problem.best.loss < style.first / 5


def test_adam_without_averaging_equals_torch() -> None:
    def bowl(x: Tensor) -> Tensor:
        return (torch.arange(1.0, 5.0) * x.square()).sum()

    ours = Adam(Problem(bowl), torch.ones(4), lr=0.1, average=0.0)
    x = torch.ones(4, requires_grad=True)
    theirs = torch.optim.Adam([x], lr=0.1, betas=(0.9, 0.99), eps=1e-12)
    for _ in range(20):
        point = ours.step()
        assert point is not None
        torch.testing.assert_close(point.x, x.detach())
        theirs.zero_grad()
        bowl(x).backward()  # type: ignore[no-untyped-call]
        theirs.step()


def test_averaging_beats_the_last_iterate_under_noise(run: Any) -> None:
    generator = torch.Generator().manual_seed(0)

    def noisy(x: Tensor) -> Tensor:
        """A bowl whose gradient is noisy and whose value is not."""
        noise = torch.randn(len(x), generator=generator, dtype=x.dtype)
        return x.square().sum() + (noise * (x - x.detach())).sum()

    start = torch.ones(50, dtype=torch.float64)
    with_average, without = (
        run(Adam, noisy, start, 400, lr=0.05, average=average).best.loss for average in (0.98, 0.0)
    )
    assert with_average < 0.5 * without


def test_stays_in_the_box(run: Any, functions: Any) -> None:
    start = torch.full((10,), 0.2, dtype=torch.float64)
    problem = run(Adam, functions.quadratic, start, 100, problem={"lower": 0.0, "upper": 0.5})
    torch.testing.assert_close(problem.best.x, torch.full_like(start, 0.5))


def test_non_finite_steps_are_undone(run: Any) -> None:
    notes: list[str] = []
    start = torch.tensor([3.0, 5.0], dtype=torch.float64)
    problem = run(
        Adam,
        lambda x: (x.log() + 0.1 / x).sum(),  # NaN from 0 downwards
        start,
        400,
        problem={"note": notes.append},
        lr=1.0,
    )
    torch.testing.assert_close(problem.best.x, torch.full_like(start, 0.1), atol=0.02, rtol=0)
    assert any("taken back" in note for note in notes)


def test_stops_where_the_loss_is_never_finite() -> None:
    notes: list[str] = []
    optimizer = Adam(Problem(lambda x: x.log().sum(), note=notes.append), -torch.ones(3))
    results = [optimizer.step() for _ in range(10)]
    assert results[-1] is None
    assert len(notes) == 8
