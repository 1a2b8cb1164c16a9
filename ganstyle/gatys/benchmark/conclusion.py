"""A paragraph that concludes a comparison from its numbers, and from nothing else."""

import math
from collections.abc import Sequence

from ganstyle.gatys.benchmark.runs import Comparison, Run
from ganstyle.gatys.benchmark.snapshots import Budget
from ganstyle.gatys.benchmark.summary import REFERENCE, Row, amount, half_way_loss, rows
from ganstyle.reports import number

GRADIENT_FREE = frozenset({"anneal"})
"""Optimizers that only ask for values."""

_ALIKE = 0.01  # relative difference of two losses, or of two speeds, that is not called one
_STEADY = 1.25  # ratio of an optimizer's slowest run to its fastest, in seconds an evaluation
_ENOUGH = 10  # evaluations that a speed is measured over
_MIB = 2**20


def conclusion(comparison: Comparison) -> str:
    """Say what the numbers say: who ended lowest on each count, how surely, how fast, at what cost."""
    tables = [(budget, rows(comparison, budget)) for budget in comparison.budgets]
    first_budget, first = tables[0]
    sentences = [_lowest(budget, table) for budget, table in tables]
    if len(first) > 1:
        sentences.append(_agreement([table for _, table in tables]))
    target = half_way_loss(comparison, first_budget)
    if target is not None and len(first) > 1:
        sentences.append(_half_way(first, target))
    sentences += [_price(first), _stuck(first)]
    if len(first) > 1:
        sentences.append(_memory(tables))
    sentences.append(_unsteady(comparison.runs))
    height, width = comparison.setup.content.shape[-2:]
    sentences.append(
        f"All this is one photo at {width} × {height} pixels on one machine; "
        "another photo, painting, size or processor may rank them otherwise."
    )
    return " ".join(sentence for sentence in sentences if sentence)


def _leaders(table: Sequence[Row]) -> list[Row]:
    """Return the row with the lowest final loss, and those that cannot be told apart from it."""
    ordered = sorted(table, key=lambda row: row.final.median)
    best = ordered[0].final
    return [ordered[0]] + [
        row
        for row in ordered[1:]
        if row.final.low <= best.high or row.final.median <= best.median * (1 + _ALIKE)
    ]


def _lowest(budget: Budget, table: Sequence[Row]) -> str:
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


def _agreement(tables: Sequence[Sequence[Row]]) -> str:
    leaders = [{row.optimizer for row in _leaders(table)} for table in tables]
    if leaders[0] == leaders[1]:
        return "The lead is the same whether time or evaluations are counted."
    both = sorted(leaders[0] & leaders[1])
    if both:
        return f"On both counts {_list(both)} {'are' if len(both) > 1 else 'is'} among those in the lead."
    return "Who leads depends on whether time or evaluations are counted."


def _half_way(table: Sequence[Row], target: float) -> str:
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


def _price(table: Sequence[Row]) -> str:
    """Say what it costs to do without gradients."""
    blind = [row for row in table if row.optimizer in GRADIENT_FREE]
    seeing = [row.final.median for row in table if row.optimizer not in GRADIENT_FREE]
    if not blind or not seeing:
        return ""
    row = min(blind, key=lambda row: row.final.median)
    ratio = row.final.median / min(seeing)
    if ratio > 1 + _ALIKE:
        return (
            f"Without a gradient, {row.optimizer} ended at {number(ratio)} times the loss of the best "
            "that uses one."
        )
    return f"Without a gradient, {row.optimizer} ended no higher than the best that uses one."


def _stuck(table: Sequence[Row]) -> str:
    names = [
        row.optimizer for row in table if not row.final.median < (1 - _ALIKE) * row.middle.samples[0].loss
    ]
    return f"No progress from the start was made by {_list(names)}." if names else ""


def _memory(tables: Sequence[tuple[Budget, Sequence[Row]]]) -> str:
    peaks: dict[str, int] = {}
    for _, table in tables:
        for row in table:
            peaks[row.optimizer] = max(row.peak_memory, peaks.get(row.optimizer, 0))
    least, most = min(peaks, key=lambda name: peaks[name]), max(peaks, key=lambda name: peaks[name])
    if peaks[most] <= 1.1 * peaks[least]:
        return f"All needed about the same memory, at most {peaks[most] / _MIB:.0f} MiB."
    return (
        f"The least memory was needed by {least}, {peaks[least] / _MIB:.0f} MiB at its peak, "
        f"and the most by {most}, {peaks[most] / _MIB:.0f} MiB."
    )


def _unsteady(runs: Sequence[Run]) -> str:
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


def _loss(row: Row) -> str:
    text = number(row.final.median)
    if row.runs > 1:
        text += f" (median of {row.runs} seeds, {number(row.final.low)} to {number(row.final.high)})"
    return text


def _list(items: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))
