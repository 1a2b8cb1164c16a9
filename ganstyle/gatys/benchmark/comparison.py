"""Every optimizer from the same start, under the same budgets, judged by one and the same objective."""

import inspect
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys.benchmark.objective import ReferenceObjective
from ganstyle.gatys.benchmark.runs import Comparison, Run, Sample
from ganstyle.gatys.benchmark.snapshots import Budget
from ganstyle.gatys.benchmark.trial import Outcome, Setup, Trial, run_apart
from ganstyle.gatys.checks import check_optimizer, check_start, check_weights
from ganstyle.gatys.optimize import optimize
from ganstyle.gatys.optimizers import OPTIMIZERS
from ganstyle.images import resize, resize_shorter
from ganstyle.weights import WeightsFile

DETERMINISTIC = frozenset({"adam", "lbfgs", "newton-cg"})
"""Optimizers that draw nothing: from one start they take one path, whatever the seed."""

_DEFAULTS = {name: parameter.default for name, parameter in inspect.signature(optimize).parameters.items()}


@dataclass(frozen=True)
class RunFinished:
    """Progress of a comparison: run ``index`` of ``total``, from 1, is done."""

    index: int
    total: int
    run: Run


def compare(
    content: Tensor,
    styles: Sequence[Tensor],
    *,
    vgg: WeightsFile,
    optimizers: Sequence[str] | None = None,
    seconds: float = 60.0,
    evaluations: float = 200.0,
    size: int = 192,
    seeds: int = 3,
    start: str | Tensor = "content",
    content_weight: float | None = None,
    style_weight: float | None = None,
    tv_weight: float | None = None,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    on_event: Callable[[RunFinished], None] = lambda event: None,
    run_trial: Callable[[Setup, Trial, Path], Outcome] = run_apart,
) -> Comparison:
    """Run every optimizer twice over: for so many seconds, and for so many evaluations of the network.

    The runs are apart because schedules (of a temperature, of a step size) follow the budget. All work at
    the full size from the first step on, one after the other, each in a fresh process, with the same number
    of threads. Whatever precision they work in, their pictures are judged in float32, off the clock. Those
    that depend on random numbers run once per seed, the others once.

    Args:
        content: the photo (1, 3, H, W) in [0, 1].
        styles: paintings, each (1, 3, H, W) in [0, 1].
        vgg: the network's weights.
        optimizers: names out of ``OPTIMIZERS``; None: all.
        seconds: the one budget.
        evaluations: the other budget; see `Iterate.evaluations` for what counts as one.
        size: shorter side of the photo and the paintings, in pixels.
        seeds: runs of an optimizer that depends on random numbers, with seeds 0, 1, ….
        start: "content", "noise" (all optimizers get the same noise; another one per seed) or a picture.
        content_weight: of the content term; None: the default of `optimize`, here and below.
        style_weight: of the style term.
        tv_weight: of the total variation.
        dtype: what the network computes in while it is optimized against.
        device: where.
        on_event: called after each run.
        run_trial: how one run is done.

    Raises:
        GanstyleError: the input makes no sense, or a run failed.
    """
    names = list(dict.fromkeys(OPTIMIZERS if optimizers is None else optimizers))
    _check(names, seconds, evaluations, seeds, start)
    content = resize_shorter(content, size)
    setup = Setup(
        content=content,
        styles=[resize_shorter(style, size) for style in styles],
        content_weight=_or_default(content_weight, "content_weight"),
        style_weight=_or_default(style_weight, "style_weight"),
        tv_weight=_or_default(tv_weight, "tv_weight"),
        vgg=vgg,
        dtype=dtype,
        device=torch.device(device),
        threads=torch.get_num_threads(),
    )
    weights = {"content": setup.content_weight, "style": setup.style_weight, "tv": setup.tv_weight}
    check_weights(weights)  # here, since every run would refuse them
    budgets = (Budget("seconds", seconds), Budget("evaluations", evaluations))
    repeated = [name for name in names if start == "noise" or name not in DETERMINISTIC] if seeds > 1 else []
    trials = [
        Trial(name, budget, seed, _start(start, content, seed))
        for budget in budgets
        for seed in range(seeds)  # outside, so that a machine that slows down does so for all
        for name in names
        if seed == 0 or name in repeated
    ]
    judge = ReferenceObjective(setup)
    runs: list[Run] = []
    for index, trial in enumerate(trials, 1):
        with tempfile.TemporaryDirectory(prefix="ganstyle-") as folder:
            outcome = run_trial(setup, trial, Path(folder))
            runs.append(_judged(trial, outcome, judge))
        on_event(RunFinished(index, len(trials), runs[-1]))
    return Comparison(
        setup=setup,
        start=start if isinstance(start, str) else "picture",
        budgets=budgets,
        seeds=seeds,
        repeated=repeated,
        runs=runs,
    )


def _judged(trial: Trial, outcome: Outcome, judge: ReferenceObjective) -> Run:
    samples = [Sample(0.0, 0.0, judge(trial.start)[0])]
    for snapshot in outcome.snapshots:
        image = snapshot.picture()
        loss, terms = judge(image)
        samples.append(Sample(snapshot.seconds, snapshot.evaluations, loss))
    return Run(
        optimizer=trial.optimizer,
        budget=trial.budget,
        seed=trial.seed,
        samples=samples,
        loss=loss,
        terms=terms,
        steps=outcome.steps,
        evaluations=outcome.evaluations,
        seconds=outcome.seconds,
        peak_memory=outcome.peak_memory,
        notes=outcome.notes,
        image=image,
    )


def _start(start: str | Tensor, content: Tensor, seed: int) -> Tensor:
    if isinstance(start, Tensor):
        return resize(start, (content.shape[-2], content.shape[-1]))
    if start == "content":
        return content
    return torch.rand(content.shape, generator=torch.Generator().manual_seed(seed))


def _or_default(value: float | None, name: str) -> float:
    return float(_DEFAULTS[name] if value is None else value)


def _check(names: Sequence[str], seconds: float, evaluations: float, seeds: int, start: str | Tensor) -> None:
    for name in names:
        check_optimizer(name, {})
    if not names:
        raise GanstyleError("no optimizer was named; leave them out to compare all")
    if not seconds > 0 or not evaluations >= 1:
        raise GanstyleError(f"a budget of {seconds} s and {evaluations} evaluations does nothing; give more")
    if seeds < 1:
        raise GanstyleError(f"{seeds} seeds: give at least 1")
    check_start(start)
