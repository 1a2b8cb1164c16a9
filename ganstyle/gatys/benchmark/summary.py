"""What the runs of a comparison come to: medians and ranges over seeds, and times to a goal."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from ganstyle.gatys.benchmark.runs import Comparison, Run
from ganstyle.gatys.benchmark.snapshots import Budget

REFERENCE = "lbfgs"
"""The optimizer whose loss half-way through the budget the others are timed to reach."""

FRACTIONS = (0.25, 0.5, 1.0)
"""Of the budget, where losses are tabled."""


@dataclass(frozen=True)
class Spread:
    """The median of some runs, and their range; of one run all three are the same. Infinity is "never"."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Summarise at least one value."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Row:
    """One optimizer under one budget.

    Attributes:
        optimizer: its name.
        runs: how many are summarized.
        losses: at each of ``FRACTIONS`` of the budget.
        reach: what it took, in the budget's unit, to come to the loss that the reference had half-way
            through the budget; infinite where it never did; None if the reference did not run.
        steps: done.
        evaluations: of the network.
        seconds: taken.
        peak_memory: the largest, in bytes.
        middle: the run with the median result (of two in the middle, the better).
    """

    optimizer: str
    runs: int
    losses: tuple[Spread, ...]
    reach: Spread | None
    steps: Spread
    evaluations: Spread
    seconds: Spread
    peak_memory: int
    middle: Run

    @property
    def final(self) -> Spread:
        """The loss at the end of the budget."""
        return self.losses[-1]


def loss_at(run: Run, fraction: float) -> float:
    """Return the loss of what was in hand at a fraction of the budget; at 1, of the result."""
    if fraction >= 1:
        return run.loss
    loss = run.samples[0].loss
    for sample in run.samples:
        if run.budget.spent(sample.seconds, sample.evaluations) > fraction:
            break
        loss = sample.loss
    return loss


def reach(run: Run, loss: float) -> float:
    """Return when a run first had a loss no higher than ``loss``, in its budget's unit; infinity if never."""
    for sample in run.samples:
        if sample.loss <= loss:
            return run.budget.spent(sample.seconds, sample.evaluations) * run.budget.amount
    return math.inf


def half_way_loss(comparison: Comparison, budget: Budget) -> float | None:
    """Return the reference's median loss half-way through a budget; None if it did not run."""
    runs = [run for run in comparison.runs if run.optimizer == REFERENCE and run.budget == budget]
    return statistics.median(loss_at(run, 0.5) for run in runs) if runs else None


def rows(comparison: Comparison, budget: Budget) -> list[Row]:
    """Summarise the runs under one budget, in the order in which the optimizers ran."""
    target = half_way_loss(comparison, budget)
    grouped: dict[str, list[Run]] = {}
    for run in comparison.runs:
        if run.budget == budget:
            grouped.setdefault(run.optimizer, []).append(run)
    return [_row(name, runs, target) for name, runs in grouped.items()]


def _row(name: str, runs: Sequence[Run], target: float | None) -> Row:
    return Row(
        optimizer=name,
        runs=len(runs),
        losses=tuple(Spread.of([loss_at(run, fraction) for run in runs]) for fraction in FRACTIONS),
        reach=None if target is None else Spread.of([reach(run, target) for run in runs]),
        steps=Spread.of([run.steps for run in runs]),
        evaluations=Spread.of([run.evaluations for run in runs]),
        seconds=Spread.of([run.seconds for run in runs]),
        peak_memory=max(run.peak_memory for run in runs),
        middle=sorted(runs, key=lambda run: run.loss)[(len(runs) - 1) // 2],
    )


def amount(budget: Budget) -> str:
    """Name a budget, such as ``60 s`` or ``200 evaluations``."""
    return f"{budget.amount:g} {'s' if budget.unit == 'seconds' else 'evaluations'}"
