"""What the runs of a comparison show: medians and ranges over seeds, times to a goal, a conclusion."""

import math
import statistics
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from ganstyle.gatys.benchmark.comparison import BenchmarkRun, OptimizerComparison
from ganstyle.gatys.benchmark.trial import Budget
from ganstyle.gatys.optimizers import OPTIMIZERS
from ganstyle.reports import number

REFERENCE = "lbfgs"
"""The optimizer whose loss half-way through the budget the others are timed to reach."""

FRACTIONS = (0.25, 0.5, 1.0)
"""Of the budget, where losses are tabled."""


_ALIKE = 0.01  # relative difference of two losses, or of two speeds, that is not called one
_STEADY = 1.25  # ratio of an optimizer's slowest run to its fastest, in seconds an evaluation
_ENOUGH = 10  # evaluations that a speed is measured over
_MIB = 2**20


@dataclass(frozen=True)
class Spread:
    """The median of some runs, and their range; of one run all three are the same. Infinity is "never"."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Summarize at least one value."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class SummaryRow:
    """One optimizer under one budget.

    Attributes:
        optimizer: its name.
        runs: how many are summarized.
        losses: at each of ``FRACTIONS`` of the budget.
        reach: what it took, in the budget's unit, to reach the loss that the reference had half-way
            through the budget; infinite where it never did; None if the reference did not run.
        steps: done.
        evaluations: of the network.
        seconds: taken.
        peak_memory_bytes: the largest.
        middle: the run with the median result (of two in the middle, the better).
    """

    optimizer: str
    runs: int
    losses: tuple[Spread, ...]
    reach: Spread | None
    steps: Spread
    evaluations: Spread
    seconds: Spread
    peak_memory_bytes: int
    middle: BenchmarkRun

    @property
    def final(self) -> Spread:
        """The loss at the end of the budget."""
        return self.losses[-1]


def loss_at(run: BenchmarkRun, fraction: float) -> float:
    """Return the best loss so far at a fraction of the budget; at 1, the loss of the result."""
    if fraction >= 1:
        return run.loss
    loss = run.samples[0].loss
    for sample in run.samples:
        if run.budget.spent(sample.seconds, sample.evaluations) > fraction:
            break
        loss = sample.loss
    return loss


def reach(run: BenchmarkRun, loss: float) -> float:
    """Return when a run first had a loss no higher than ``loss``, in its budget's unit; infinity if never."""
    for sample in run.samples:
        if sample.loss <= loss:
            return run.budget.spent(sample.seconds, sample.evaluations) * run.budget.amount
    return math.inf


def half_way_loss(comparison: OptimizerComparison, budget: Budget) -> float | None:
    """Return the reference's median loss half-way through a budget; None if it did not run."""
    runs = [run for run in comparison.runs if run.optimizer == REFERENCE and run.budget == budget]
    return statistics.median(loss_at(run, 0.5) for run in runs) if runs else None


def rows(comparison: OptimizerComparison, budget: Budget) -> list[SummaryRow]:
    """Summarize the runs under one budget, in the order in which the optimizers ran."""
    target = half_way_loss(comparison, budget)
    grouped: dict[str, list[BenchmarkRun]] = {}
    for run in comparison.runs:
        if run.budget == budget:
            grouped.setdefault(run.optimizer, []).append(run)
    return [_row(name, runs, target) for name, runs in grouped.items()]


def _row(name: str, runs: Sequence[BenchmarkRun], target: float | None) -> SummaryRow:
    return SummaryRow(
        optimizer=name,
        runs=len(runs),
        losses=tuple(Spread.of([loss_at(run, fraction) for run in runs]) for fraction in FRACTIONS),
        reach=None if target is None else Spread.of([reach(run, target) for run in runs]),
        steps=Spread.of([run.steps for run in runs]),
        evaluations=Spread.of([run.evaluations for run in runs]),
        seconds=Spread.of([run.seconds for run in runs]),
        peak_memory_bytes=max(run.peak_memory_bytes for run in runs),
        middle=sorted(runs, key=lambda run: run.loss)[(len(runs) - 1) // 2],
    )


def loss_curve(runs: Sequence[BenchmarkRun]) -> list[tuple[float, Spread]]:
    """Return the loss over the budget's unit, as median and range over runs of one optimizer.

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


def amount(budget: Budget) -> str:
    """Name a budget, such as ``60 s`` or ``200 evaluations``."""
    return f"{budget.amount:g} {'s' if budget.unit == 'seconds' else 'evaluations'}"


def conclude(comparison: OptimizerComparison) -> str:
    """Say what the numbers say: who ended lowest on each count, how surely, how fast, at what cost."""
    tables = [(budget, rows(comparison, budget)) for budget in comparison.budgets]
    first_budget, first = tables[0]
    sentences = [_lowest(budget, table) for budget, table in tables]
    if len(first) > 1:
        sentences.append(_agreement([table for _, table in tables]))
    target = half_way_loss(comparison, first_budget)
    if target is not None and len(first) > 1:
        sentences.append(_half_way(first, target))
    sentences += [_without_gradient(first), _stuck(first)]
    if len(first) > 1:
        sentences.append(_memory(tables))
    sentences.append(_unsteady(comparison.runs))
    height, width = comparison.setup.content.shape[-2:]
    sentences.append(
        f"All this is one photo at {width} × {height} pixels on one machine; "
        "another photo, painting, size or processor may rank them otherwise."
    )
    return " ".join(sentence for sentence in sentences if sentence)


def _leaders(table: Sequence[SummaryRow]) -> list[SummaryRow]:
    """Return the row with the lowest final loss, and those that are not distinguishable from it."""
    ordered = sorted(table, key=lambda row: row.final.median)
    best = ordered[0].final
    return [ordered[0]] + [
        row
        for row in ordered[1:]
        if row.final.low <= best.high or row.final.median <= best.median * (1 + _ALIKE)
    ]


def _lowest(budget: Budget, table: Sequence[SummaryRow]) -> str:
    leaders = _leaders(table)
    lead = f"With {amount(budget)} each,"
    best = leaders[0]
    if len(table) == 1:
        return f"With {amount(budget)}, {best.optimizer} ended at a loss of {_loss(best)}."
    if len(leaders) > 1:
        return (
            f"{lead} {_list([f'{row.optimizer} ({_loss(row)})' for row in leaders])} ended lowest "
            "and cannot be told apart."
        )
    second = sorted(table, key=lambda row: row.final.median)[1]
    gap = 1 - best.final.median / second.final.median
    return (
        f"{lead} {best.optimizer} ended lowest, at a loss of {_loss(best)}, {gap:.0%} below "
        f"{second.optimizer}, the next."
    )


def _agreement(tables: Sequence[Sequence[SummaryRow]]) -> str:
    leaders = [{row.optimizer for row in _leaders(table)} for table in tables]
    if leaders[0] == leaders[1]:
        return "The lead is the same whether time or evaluations are counted."
    both = sorted(leaders[0] & leaders[1])
    if both:
        return f"On both counts {_list(both)} {'are' if len(both) > 1 else 'is'} among those in the lead."
    return "Who leads depends on whether time or evaluations are counted."


def _half_way(table: Sequence[SummaryRow], target: float) -> str:
    times = sorted((row.reach.median, row.optimizer) for row in table if row.reach is not None)
    there = [f"{name} {number(time)} s" for time, name in times if time < math.inf]
    never = [name for time, name in times if time == math.inf]
    text = f"Half of the time brought {REFERENCE} to a loss of {number(target)}. "
    text += f"To get there took {_list(there)}" + (f"; {_list(never)} never did." if never else ".")
    reference = next(time for time, name in times if name == REFERENCE)
    time, name = times[0]
    if name != REFERENCE and time * (1 + _ALIKE) < reference < math.inf:
        ratio = number(reference / max(time, 1e-9))
        text += f" By that measure {name} was {ratio} times as fast as {REFERENCE}."
    return text


def _without_gradient(table: Sequence[SummaryRow]) -> str:
    """Say what it costs to do without gradients."""
    free = [row for row in table if OPTIMIZERS[row.optimizer].gradient_free]
    others = [row.final.median for row in table if not OPTIMIZERS[row.optimizer].gradient_free]
    if not free or not others:
        return ""
    row = min(free, key=lambda row: row.final.median)
    ratio = row.final.median / min(others)
    if ratio > 1 + _ALIKE:
        return (
            f"Without a gradient, {row.optimizer} ended at {number(ratio)} times the loss of the best "
            "that uses one."
        )
    return f"Without a gradient, {row.optimizer} ended no higher than the best that uses one."


def _stuck(table: Sequence[SummaryRow]) -> str:
    names = [
        row.optimizer for row in table if not row.final.median < (1 - _ALIKE) * row.middle.samples[0].loss
    ]
    return f"No progress from the start was made by {_list(names)}." if names else ""


def _memory(tables: Sequence[tuple[Budget, Sequence[SummaryRow]]]) -> str:
    peaks: dict[str, int] = {}
    for _, table in tables:
        for row in table:
            peaks[row.optimizer] = max(row.peak_memory_bytes, peaks.get(row.optimizer, 0))
    least, most = min(peaks, key=lambda name: peaks[name]), max(peaks, key=lambda name: peaks[name])
    if peaks[most] <= 1.1 * peaks[least]:
        return f"All needed about the same memory, at most {peaks[most] / _MIB:.0f} MiB."
    return (
        f"The least memory was needed by {least}, {peaks[least] / _MIB:.0f} MiB at its peak, "
        f"and the most by {most}, {peaks[most] / _MIB:.0f} MiB."
    )


def _unsteady(runs: Sequence[BenchmarkRun]) -> str:
    """Warn if the machine was not always as fast: then seconds compare the hour as well as the methods."""
    paces: dict[str, list[float]] = {}
    for run in runs:
        first, last = run.samples[min(1, len(run.samples) - 1)], run.samples[-1]  # preparations left out
        if last.evaluations - first.evaluations >= _ENOUGH and last.seconds > first.seconds:
            pace = (last.seconds - first.seconds) / (last.evaluations - first.evaluations)
            paces.setdefault(run.optimizer, []).append(pace)
    ratio = max((max(found) / min(found) for found in paces.values()), default=1.0)
    if ratio <= _STEADY:
        return ""
    return (
        f"The machine was not steady: evaluations of one and the same optimizer took up to {number(ratio)} "
        "times as long in one run as in another, so trust the count of evaluations more than the seconds."
    )


def _loss(row: SummaryRow) -> str:
    text = number(row.final.median)
    if row.runs > 1:
        text += f" (median of {row.runs} seeds, {number(row.final.low)} to {number(row.final.high)})"
    return text


def _list(items: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))
