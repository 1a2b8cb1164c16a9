"""Every optimizer from the same start, under the same budgets, measured by one and the same objective."""

import math
import platform
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys.benchmark.trial import BenchmarkSetup, Budget, Trial, TrialResult, run_in_process
from ganstyle.gatys.checks import check_optimizer, check_settings, check_weights, missing_package
from ganstyle.gatys.memory import explain_out_of_memory
from ganstyle.gatys.objective import ScaleInputs, make_objective, standard_terms
from ganstyle.gatys.optimizers import OPTIMIZERS, installed_optimizers
from ganstyle.gatys.settings import LAYERS, BenchmarkSettings, current_name
from ganstyle.images import resize, resize_shorter
from ganstyle.weights import WeightsFile, load_vgg16

DEFAULTS = BenchmarkSettings()


class Sample(NamedTuple):
    """The best picture at a moment: seconds and evaluations so far, and its loss by the reference."""

    seconds: float
    evaluations: float
    loss: float


@dataclass(frozen=True)
class BenchmarkRun:
    """One run of one optimizer, and its losses by the reference objective.

    Attributes:
        optimizer: its name.
        budget: what it could spend.
        seed: of its random numbers, and of the start if that is noise.
        samples: from the start to the result, in the order of time.
        loss: of the result.
        terms: of the result, before weighting: content, style, tv.
        steps: done.
        evaluations: of the network.
        seconds: taken.
        peak_memory_bytes: see `TrialResult`.
        notes: the optimizer's messages.
        image: the result, (1, 3, H, W) in [0, 1], on the CPU.
    """

    optimizer: str
    budget: Budget
    seed: int
    samples: Sequence[Sample]
    loss: float
    terms: Mapping[str, float]
    steps: int
    evaluations: float
    seconds: float
    peak_memory_bytes: int
    notes: Sequence[str]
    image: Tensor


@dataclass(frozen=True)
class OptimizerComparison:
    """All runs, and what they had in common.

    Attributes:
        setup: what was given.
        start: "content", "noise" or "picture".
        budgets: one by seconds, one by evaluations.
        seeds: how many runs those optimizers had that depend on random numbers.
        repeated: the optimizers that ran once per seed; the others ran once.
        runs: one after the other.
    """

    setup: BenchmarkSetup
    start: str
    budgets: Sequence[Budget]
    seeds: int
    repeated: Sequence[str]
    runs: Sequence[BenchmarkRun]

    def facts(self) -> dict[str, Any]:
        """Return what was the same for all runs, as plain values."""
        setup, settings = self.setup, self.setup.settings
        height, width = setup.content.shape[-2:]
        on_cuda = setup.device.type == "cuda"
        return {
            "width": width,
            "height": height,
            "start": self.start,
            **{budget.unit: budget.amount for budget in self.budgets},
            "seeds": self.seeds,
            "repeated": list(self.repeated),
            **{f"{name}_weight": weight for name, weight in settings.weights.items()},
            "content_layers": dict(settings.content_layers),
            "style_layers": dict(settings.style_layers),
            "content_octaves": settings.content_octaves,
            "style_octaves": settings.style_octaves,
            "precision": "bf16" if setup.dtype == torch.bfloat16 else "fp32",
            "judged_in": "fp32",
            "device": torch.cuda.get_device_name(setup.device) if on_cuda else setup.device.type.upper(),
            "threads": setup.threads,
            "torch": torch.__version__,
            "machine": f"{platform.system()} {platform.machine()}",
        }


@dataclass(frozen=True)
class RunFinished:
    """Progress of a comparison: run ``index`` of ``total``, from 1, is done."""

    index: int
    total: int
    run: BenchmarkRun


class ReferenceObjective:
    """The objective of `optimize` in float32, by which all pictures of a comparison are measured.

    Args:
        setup: the photo, the paintings, the settings and the network.
    """

    def __init__(self, setup: BenchmarkSetup) -> None:
        self._device = setup.device
        settings, features = (
            setup.settings,
            load_vgg16(setup.vgg, LAYERS, padding="replicate").to(setup.device),
        )
        content = setup.content.to(setup.device)
        styles = [style.to(setup.device) for style in setup.styles]
        inputs = ScaleInputs((content.shape[-2], content.shape[-1]), content, styles, features)
        terms = standard_terms(settings, [1.0] * len(styles))
        self._objective = make_objective(inputs, terms, settings.octaves)

    @torch.no_grad()
    def __call__(self, picture: Tensor) -> tuple[float, dict[str, float]]:
        """Return a picture's loss, and its terms before weighting."""
        loss, terms = self._objective(picture.to(self._device))
        return float(loss), {name: float(value) for name, value in terms.items()}


def compare_optimizers(
    content: Tensor,
    styles: Sequence[Tensor],
    *,
    vgg: WeightsFile,
    settings: BenchmarkSettings = DEFAULTS,
    start_image: Tensor | None = None,
    device: torch.device | str = "cpu",
    on_event: Callable[[RunFinished], None] = lambda event: None,
    run: Callable[[BenchmarkSetup, Trial, Path], TrialResult] = run_in_process,
) -> OptimizerComparison:
    """Run every optimizer twice: for a number of seconds, and for a number of network evaluations.

    The runs are apart because schedules (of a temperature, of a step size) follow the budget. All work at
    the full size from the first step on, one after the other, each in a fresh process, with the same number
    of threads. Regardless of their precision, their pictures are measured in float32, off the clock. Those
    that depend on random numbers run once per seed, the others once.

    Args:
        content: the photo (1, 3, H, W) in [0, 1].
        styles: paintings, each (1, 3, H, W) in [0, 1].
        vgg: the network's weights.
        settings: optimizers, budgets and objective.
        start_image: begin with this picture instead of what the settings say. With "noise", all optimizers
            get the same noise, and another one per seed.
        device: where.
        on_event: called after each run.
        run: how one run is done.

    Raises:
        GanstyleError: the input is invalid, or a run failed.
    """
    names = _optimizers(settings)
    _check(settings)
    content = resize_shorter(content, settings.size)
    setup = BenchmarkSetup(
        content=content,
        styles=[resize_shorter(style, settings.size) for style in styles],
        settings=settings.objective,
        vgg=vgg,
        dtype=torch.bfloat16 if settings.precision == "bf16" else torch.float32,
        device=torch.device(device),
        threads=torch.get_num_threads(),
    )
    seeds, budgets = (
        settings.seeds,
        (Budget("seconds", settings.seconds), Budget("evaluations", settings.evaluations)),
    )
    from_noise = start_image is None and settings.objective.start == "noise"
    varying = [name for name in names if from_noise or not OPTIMIZERS[name].deterministic]
    repeated = varying if seeds > 1 else []
    trials = [
        Trial(name, budget, seed, _start(start_image, content, seed, from_noise=from_noise))
        for budget in budgets
        for seed in range(seeds)  # outside, so that a machine that slows down does so for all
        for name in names
        if seed == 0 or name in repeated
    ]
    with explain_out_of_memory(settings.size, setup.device):
        reference = ReferenceObjective(setup)
    runs: list[BenchmarkRun] = []
    for index, trial in enumerate(trials, 1):
        with tempfile.TemporaryDirectory(prefix="ganstyle-") as folder:
            runs.append(_measured(trial, run(setup, trial, Path(folder)), reference))
        on_event(RunFinished(index, len(trials), runs[-1]))
    return OptimizerComparison(
        setup=setup,
        start=settings.objective.start if start_image is None else "picture",
        budgets=budgets,
        seeds=seeds,
        repeated=repeated,
        runs=runs,
    )


def _measured(trial: Trial, result: TrialResult, reference: ReferenceObjective) -> BenchmarkRun:
    samples = [Sample(0.0, 0.0, reference(trial.start)[0])]
    for snapshot in result.snapshots:
        image = snapshot.picture()
        loss, terms = reference(image)
        samples.append(Sample(snapshot.seconds, snapshot.evaluations, loss))
    return BenchmarkRun(
        optimizer=trial.optimizer,
        budget=trial.budget,
        seed=trial.seed,
        samples=samples,
        loss=loss,
        terms=terms,
        steps=result.steps,
        evaluations=result.evaluations,
        seconds=result.seconds,
        peak_memory_bytes=result.peak_memory_bytes,
        notes=result.notes,
        image=image,
    )


def _start(image: Tensor | None, content: Tensor, seed: int, *, from_noise: bool) -> Tensor:
    if image is not None:
        return resize(image, (content.shape[-2], content.shape[-1]))
    if not from_noise:
        return content
    return torch.rand(content.shape, generator=torch.Generator().manual_seed(seed))


def _optimizers(settings: BenchmarkSettings) -> list[str]:
    """Return the optimizers to compare, each once; without a choice, all that are installed."""
    if settings.optimizers:
        return list(dict.fromkeys(current_name(name) for name in settings.optimizers))
    names = installed_optimizers()
    for name in OPTIMIZERS:
        if name not in names:
            warnings.warn(f"{name} is left out: {missing_package(name)}", stacklevel=3)
    return names


def _check(settings: BenchmarkSettings) -> None:
    for name in settings.optimizers:
        check_optimizer(current_name(name), {})
    if not settings.seconds > 0 or not settings.evaluations >= 1:
        raise GanstyleError(
            f"a budget of {settings.seconds} s and {settings.evaluations} evaluations does nothing; give more"
        )
    if math.inf in (settings.seconds, settings.evaluations):
        raise GanstyleError(
            f"a budget of {settings.seconds} s and {settings.evaluations} evaluations never ends; give less"
        )
    if settings.seeds < 1:
        raise GanstyleError(f"{settings.seeds} seeds: give at least 1")
    check_settings(settings.objective)
    check_weights(settings.objective.weights)
