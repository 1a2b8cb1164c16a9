import math
from collections.abc import Callable

from ganstyle.gatys.benchmark.comparison import OptimizerComparison
from ganstyle.gatys.benchmark.summary import Spread, amount, half_way_loss, loss_at, reach, rows

MadeUp = Callable[..., OptimizerComparison]

LBFGS = [[(0.0, 10.0), (0.1, 4.0), (0.5, 2.0), (0.8, 1.5), (1.0, 1.0)]]


def test_loss_at_a_budget_is_the_last_recorded(made_up: MadeUp) -> None:
    run = made_up({"lbfgs": LBFGS}).runs[0]
    assert [loss_at(run, at) for at in (0.0, 0.05, 0.25, 0.5, 0.79, 1.0)] == [10.0, 10.0, 4.0, 2.0, 2.0, 1.0]
    late = made_up({"lbfgs": [[(0.0, 10.0), (1.02, 3.0)]]}).runs[0]  # the last evaluation overran the budget
    assert loss_at(late, 1.0) == 3.0


def test_reach_is_in_the_unit_of_the_budget(made_up: MadeUp) -> None:
    comparison = made_up({"lbfgs": LBFGS})
    by_seconds, by_evaluations = comparison.runs
    assert reach(by_seconds, 2.0) == 30.0
    assert reach(by_seconds, 3.0) == 30.0
    assert reach(by_evaluations, 4.0) == 20.0
    assert reach(by_seconds, 10.0) == 0.0
    assert reach(by_seconds, 0.5) == math.inf


def test_rows_give_medians_and_ranges_over_seeds(made_up: MadeUp) -> None:
    langevin = [[(0.0, 10.0), (0.5, 3.0), (1.0, loss)] for loss in (2.5, 0.5, 1.5)]
    comparison = made_up({"lbfgs": LBFGS, "langevin": langevin}, memory={"langevin": 300})
    first, second = rows(comparison, comparison.budgets[0])
    assert (first.optimizer, first.runs, second.optimizer, second.runs) == ("lbfgs", 1, "langevin", 3)
    assert first.losses == (Spread(4.0, 4.0, 4.0), Spread(2.0, 2.0, 2.0), Spread(1.0, 1.0, 1.0))
    assert second.final == Spread(1.5, 0.5, 2.5)
    assert half_way_loss(comparison, comparison.budgets[0]) == 2.0
    assert first.reach == Spread(30.0, 30.0, 30.0)
    assert second.reach == Spread(60.0, 60.0, math.inf)
    assert second.middle.loss == 1.5
    assert second.peak_memory_bytes == 300 * 2**20


def test_median_of_two_seeds_shows_the_better(made_up: MadeUp) -> None:
    comparison = made_up({"cma-es": [[(0.0, 9.0), (1.0, loss)] for loss in (4.0, 3.0)]})
    (row,) = rows(comparison, comparison.budgets[1])
    assert row.final == Spread(3.5, 3.0, 4.0)
    assert row.middle.loss == 3.0
    assert row.reach is None  # there is no reference


def test_budget_labels(made_up: MadeUp) -> None:
    assert [amount(budget) for budget in made_up({"lbfgs": LBFGS}).budgets] == ["60 s", "200 evaluations"]
