"""Curves of a comparison: the loss of every optimizer over one budget."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ganstyle.gatys.benchmark.runs import Comparison, Run
from ganstyle.gatys.benchmark.snapshots import Budget
from ganstyle.gatys.benchmark.summary import Spread
from ganstyle.reports import draw_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def curve(runs: Sequence[Run]) -> list[tuple[float, Spread]]:
    """Return the loss in hand over the budget's unit, as median and range over runs of one optimizer.

    A point is given wherever any of the runs has a sample, from where all of them have one on; between its
    samples a run has what it had at the last.
    """
    times = [
        [run.budget.spent(s.seconds, s.evaluations) * run.budget.amount for s in run.samples] for run in runs
    ]
    points = []
    for time in sorted({time for of_run in times for time in of_run}):
        last = [bisect_right(of_run, time) - 1 for of_run in times]
        if min(last) >= 0:
            losses = [run.samples[index].loss for run, index in zip(runs, last, strict=True)]
            points.append((time, Spread.of(losses)))
    return points


def draw(comparison: Comparison, budget: Budget, scheme: str) -> "Figure":
    """Draw the loss of every optimizer over one budget: the median over seeds, and their range as a band.

    The horizontal axis is logarithmic, since most of the way is gone early on.

    Args:
        comparison: the runs.
        budget: which of the two.
        scheme: "light" or "dark".
    """
    names = dict.fromkeys(run.optimizer for run in comparison.runs)
    spreads = {
        name: curve([run for run in comparison.runs if run.optimizer == name and run.budget == budget])
        for name in names
    }
    # The start lies at 0, which a logarithmic axis does not have; it is the level the curve comes from.
    begin = min(
        (time for points in spreads.values() for time, _ in points if time > 0), default=budget.amount
    )
    return draw_curves(
        {name: [(time, spread.median) for time, spread in points] for name, points in spreads.items()},
        scheme,
        x="seconds" if budget.unit == "seconds" else "evaluations of the network",
        y="loss",
        bands={name: [(time, s.low, s.high) for time, s in points] for name, points in spreads.items()},
        log_x=True,
        x_limits=(min(begin, budget.amount / 2), budget.amount),
    )
