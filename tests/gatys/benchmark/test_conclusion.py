from collections.abc import Callable
from dataclasses import replace

import pytest

from ganstyle.gatys.benchmark.comparison import OptimizerComparison
from ganstyle.gatys.benchmark.summary import conclude

MadeUp = Callable[..., OptimizerComparison]


def curve(final: float, half: float | None = None, at: float = 0.5) -> list[tuple[float, float]]:
    """From 10 to ``half`` at a moment, to ``final`` at the end."""
    return [(0.0, 10.0), (at, 2 * final if half is None else half), (1.0, final)]


@pytest.mark.parametrize("winner", ["lbfgs", "newton-cg", "adam", "langevin", "cma-es"])
def test_lowest_loss_wins(made_up: MadeUp, winner: str) -> None:
    names = ("lbfgs", "newton-cg", "adam", "langevin", "cma-es")
    curves = {name: [curve(1.5 if name == winner else 2.0 + place)] for place, name in enumerate(names)}
    text = conclude(made_up(curves))
    second = "newton-cg" if winner == "lbfgs" else "lbfgs"
    gap = "50%" if winner == "lbfgs" else "25%"
    assert text.startswith(
        f"With 60 s each, {winner} ended lowest, at a loss of 1.50, {gap} below {second}, the next. "
        f"With 200 evaluations each, {winner} ended lowest"
    )
    assert "The lead is the same whether time or evaluations are counted." in text
    assert "cannot be told apart" not in text


def test_winner_by_evaluations_may_differ_from_winner_by_time(made_up: MadeUp) -> None:
    text = conclude(
        made_up({"lbfgs": [curve(2.0)], "adam": [curve(1.0)]}, {"lbfgs": [curve(1.0)], "adam": [curve(2.0)]})
    )
    assert "With 60 s each, adam ended lowest" in text
    assert "With 200 evaluations each, lbfgs ended lowest" in text
    assert "Who leads depends on whether time or evaluations are counted." in text


def test_overlapping_ranges_are_a_tie(made_up: MadeUp) -> None:
    langevin = [curve(loss) for loss in (0.8, 0.9, 1.3)]
    adam = [curve(1.2)]
    text = conclude(made_up({"adam": adam, "langevin": langevin}, {"adam": adam, "langevin": [curve(2.0)]}))
    assert (
        "With 60 s each, langevin (0.900 (median of 3 seeds, 0.800 to 1.30)) and adam (1.20) "
        "ended lowest and cannot be told apart."
    ) in text
    assert "On both counts adam is among those in the lead." in text


def test_difference_below_one_percent_is_a_tie(made_up: MadeUp) -> None:
    text = conclude(made_up({"lbfgs": [curve(1.0)], "newton-cg": [curve(0.995)]}))
    assert "newton-cg (0.995) and lbfgs (1.00) ended lowest and cannot be told apart." in text


def test_time_to_half_way_loss(made_up: MadeUp) -> None:
    text = conclude(
        made_up(
            {
                "lbfgs": [curve(1.0, half=2.0)],
                "adam": [curve(1.5, half=2.0, at=0.1)],
                "cma-es": [curve(8.0)],
                "langevin": [curve(5.0)],
            }
        )
    )
    assert (
        "Half of the time brought lbfgs to a loss of 2.00. To get there took adam 6.00 s and lbfgs 30.0 s; "
        "cma-es and langevin never did. By that measure adam was 5.00 times as fast as lbfgs."
    ) in text
    assert "Half of the time" not in conclude(made_up({"adam": [curve(1.0)], "cma-es": [curve(2.0)]}))


def test_reference_seeds_may_miss_their_median(made_up: MadeUp) -> None:
    lbfgs = [curve(1.0, half=2.0), curve(9.0, half=9.0)]  # half-way, the median is 5.5
    text = conclude(made_up({"lbfgs": lbfgs, "adam": [curve(4.0, half=5.0)]}))
    assert "To get there took adam 30.0 s; lbfgs never did." in text
    assert "as fast as" not in text


def test_cost_of_gradient_free_optimizers_is_reported(made_up: MadeUp) -> None:
    dear = conclude(made_up({"adam": [curve(2.0)], "lbfgs": [curve(3.0)], "cma-es": [curve(9.0)]}))
    assert "Without a gradient, cma-es ended at 4.50 times the loss of the best that uses one." in dear
    cheap = conclude(made_up({"adam": [curve(2.0)], "cma-es": [curve(1.0)]}))
    assert "Without a gradient, cma-es ended no higher than the best that uses one." in cheap
    assert "gradient" not in conclude(made_up({"adam": [curve(2.0)], "lbfgs": [curve(1.0)]}))


def test_no_progress_is_reported(made_up: MadeUp) -> None:
    stuck = [(0.0, 10.0), (1.0, 9.95)]
    text = conclude(made_up({"lbfgs": [curve(1.0)], "cma-es": [stuck, stuck]}))
    assert "No progress from the start was made by cma-es." in text
    assert "No progress" not in conclude(made_up({"lbfgs": [curve(1.0)], "cma-es": [curve(9.0)]}))


def test_memory_is_reported(made_up: MadeUp) -> None:
    curves = {"adam": [curve(1.0)], "lbfgs": [curve(2.0)], "newton-cg": [curve(3.0)]}
    apart = conclude(made_up(curves, memory={"adam": 200, "lbfgs": 250, "newton-cg": 500}))
    assert (
        "The least memory was needed by adam, 200 MiB at its peak, and the most by newton-cg, 500 MiB."
        in apart
    )
    alike = conclude(made_up(curves, memory={"adam": 200, "lbfgs": 215, "newton-cg": 210}))
    assert "All needed about the same memory, at most 215 MiB." in alike


def test_busy_machine_is_reported(made_up: MadeUp) -> None:
    steady = made_up({"lbfgs": [curve(1.0)], "adam": [curve(2.0)]})
    assert "steady" not in conclude(steady)
    last = steady.runs[-1]
    samples = [sample._replace(seconds=1.5 * sample.seconds) for sample in last.samples]
    slow = [*steady.runs[:-1], replace(last, samples=samples)]
    assert (
        "The machine was not steady: evaluations of one and the same optimizer took up to 1.50 times as long "
        "in one run as in another, so trust the count of evaluations more than the seconds."
    ) in conclude(replace(steady, runs=slow))


def test_conclusion_states_its_limits(made_up: MadeUp) -> None:
    assert conclude(made_up({"lbfgs": [curve(1.0)]})).endswith(
        "All this is one photo at 16 × 12 pixels on one machine; "
        "another photo, painting, size or processor may rank them otherwise."
    )


def test_single_optimizer_has_no_winner(made_up: MadeUp) -> None:
    text = conclude(made_up({"adam": [curve(1.0)]}))
    assert text.startswith("With 60 s, adam ended at a loss of 1.00. With 200 evaluations, adam ended at")
    for word in ("lowest", "lead", "memory", "gradient"):
        assert word not in text
