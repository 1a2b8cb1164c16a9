import pytest

from ganstyle.gatys.convergence import WINDOW, Convergence


def steps_until_converged(losses: list[float], *, tolerance: float, cost: float = 1.0) -> int | None:
    """Return after how many steps, each of so many evaluations, it is over."""
    convergence = Convergence(tolerance, WINDOW)
    for step, loss in enumerate(losses, 1):
        if convergence.update(step * cost, loss):
            return step
    return None


def test_flat_loss_converges_after_one_window() -> None:
    assert steps_until_converged([1.0] * 99, tolerance=0.01) == WINDOW + 1


def test_falling_loss_does_not_converge_until_it_is_slow() -> None:
    steady = [0.99**step for step in range(300)]  # falls by 18 % over each window
    assert steps_until_converged(steady, tolerance=0.05) is None
    slowing = [1 + 1 / (1 + step) for step in range(300)]
    step = steps_until_converged(slowing, tolerance=0.01)
    assert step is not None
    window = int(WINDOW)
    assert slowing[step - 1 - window] - slowing[step - 1] < 0.01 * slowing[step - 1 - window]
    assert slowing[step - 2 - window] - slowing[step - 2] >= 0.01 * slowing[step - 2 - window]


def test_rising_and_noisy_losses_count_by_their_best() -> None:
    noisy = [1.0 + 0.5 * (step % 2) for step in range(99)]
    assert steps_until_converged(noisy, tolerance=0.01) == WINDOW + 1
    recovering = [2.0 if step % 7 else 0.9**step for step in range(99)]
    assert steps_until_converged(recovering, tolerance=0.01) is None


def test_convergence_needs_at_least_five_steps() -> None:
    assert steps_until_converged([1.0] * 99, tolerance=0.01, cost=9.0) == 6
    assert steps_until_converged([1.0] * 99, tolerance=0.01, cost=0.4) == WINDOW / 0.4 + 1


def test_tolerance_zero_never_converges() -> None:
    assert steps_until_converged([1.0] * 999, tolerance=0.0) is None


@pytest.mark.parametrize("tolerance", [0.001, 0.1])
def test_loss_of_zero_converges(tolerance: float) -> None:
    assert steps_until_converged([0.0] * 99, tolerance=tolerance) == WINDOW + 1
