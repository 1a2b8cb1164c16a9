import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys import LAYERS, OPTIMIZERS, BenchmarkSettings, GatysSettings, optimize
from ganstyle.gatys.benchmark.comparison import (
    OptimizerComparison,
    ReferenceObjective,
    RunFinished,
    compare_optimizers,
)
from ganstyle.gatys.benchmark.trial import BenchmarkSetup, Snapshot, Trial, TrialResult, run_trial
from ganstyle.images import resize_shorter
from ganstyle.weights import WeightsFile, find_vgg16, load_vgg16

CONTENT = torch.rand(1, 3, 20, 24, generator=torch.Generator().manual_seed(0))
STYLE = torch.rand(1, 3, 30, 18, generator=torch.Generator().manual_seed(1))
DETERMINISTIC = {name for name, kind in OPTIMIZERS.items() if kind.deterministic}


@pytest.fixture
def vgg(vgg16_weights: Path) -> WeightsFile:
    return find_vgg16(str(vgg16_weights))


class Recorder:
    """Runs nothing: hands back the start, brightened by a hundredth."""

    def __init__(self) -> None:
        self.trials: list[Trial] = []
        self.setups: list[BenchmarkSetup] = []

    def __call__(self, setup: BenchmarkSetup, trial: Trial, folder: Path) -> TrialResult:
        self.trials.append(trial)
        self.setups.append(setup)
        np.save(folder / "0.npy", (trial.start + 0.01).clamp(0, 1).numpy())
        snapshots = [Snapshot(0.5, 3.0, folder / "0.npy")]
        return TrialResult(snapshots, 3, 4.0, 0.6, 1000, ["a note"])


@pytest.fixture
def recorded(vgg: WeightsFile) -> Callable[..., tuple[OptimizerComparison, Recorder]]:
    def run(*, start_image: Tensor | None = None, **options: Any) -> tuple[OptimizerComparison, Recorder]:
        recorder = Recorder()
        settings = BenchmarkSettings(**{"size": 16, "seeds": 2, **options})
        comparison = compare_optimizers(
            CONTENT, [STYLE], vgg=vgg, settings=settings, start_image=start_image, run=recorder
        )
        return comparison, recorder

    return run


def test_every_optimizer_runs_under_both_budgets(
    recorded: Callable[..., tuple[OptimizerComparison, Recorder]],
) -> None:
    comparison, recorder = recorded(seconds=7.0, evaluations=11.0)
    for unit, amount in (("seconds", 7.0), ("evaluations", 11.0)):
        budgets = [t for t in recorder.trials if t.budget.unit == unit]
        assert {t.optimizer for t in budgets} == set(OPTIMIZERS)
        assert {t.budget.amount for t in budgets} == {amount}
    assert [b.unit for b in comparison.budgets] == ["seconds", "evaluations"]
    assert all(setup is comparison.setup for setup in recorder.setups)
    assert len(comparison.runs) == len(recorder.trials)


def test_only_random_optimizers_run_with_several_seeds(
    recorded: Callable[..., tuple[OptimizerComparison, Recorder]],
) -> None:
    comparison, recorder = recorded()
    for name in OPTIMIZERS:
        seeds = [t.seed for t in recorder.trials if t.optimizer == name and t.budget.unit == "seconds"]
        assert seeds == ([0] if name in DETERMINISTIC else [0, 1])
    assert set(comparison.repeated) == set(OPTIMIZERS) - DETERMINISTIC
    comparison, recorder = recorded(objective=GatysSettings(start="noise"), optimizers=["adam"])
    assert [t.seed for t in recorder.trials] == [0, 1, 0, 1]
    assert comparison.repeated == ["adam"]
    assert recorded(seeds=1)[0].repeated == []


def test_all_optimizers_start_from_the_same_image(
    recorded: Callable[..., tuple[OptimizerComparison, Recorder]],
) -> None:
    comparison, recorder = recorded()
    for trial in recorder.trials:
        torch.testing.assert_close(trial.start, resize_shorter(CONTENT, 16))
    _, recorder = recorded(objective=GatysSettings(start="noise"))
    starts = {(t.seed, float(t.start.sum())) for t in recorder.trials}
    assert len(starts) == 2
    _, recorder = recorded(start_image=STYLE)
    assert recorder.trials[0].start.shape == (1, 3, 16, 19)
    assert comparison.setup.content.shape == (1, 3, 16, 19)
    assert comparison.setup.styles[0].shape == (1, 3, 27, 16)


def test_runs_are_scored_and_reported_to_the_callback(vgg: WeightsFile) -> None:
    events: list[RunFinished] = []
    settings = BenchmarkSettings(size=16, optimizers=["lbfgs"])
    comparison = compare_optimizers(
        CONTENT, [STYLE], vgg=vgg, settings=settings, on_event=events.append, run=Recorder()
    )
    reference = ReferenceObjective(comparison.setup)
    content = comparison.setup.content
    run = comparison.runs[0]
    assert [(s.seconds, s.evaluations) for s in run.samples] == [(0.0, 0.0), (0.5, 3.0)]
    assert run.samples[0].loss == pytest.approx(reference(content)[0])
    assert run.loss == run.samples[1].loss == pytest.approx(reference((content + 0.01).clamp(0, 1))[0])
    assert run.terms.keys() == {"content", "style", "tv"}
    assert (run.steps, run.evaluations, run.seconds, run.peak_memory_bytes) == (3, 4.0, 0.6, 1000)
    assert [(e.index, e.total) for e in events] == [(1, 2), (2, 2)]
    assert events[1].run is comparison.runs[1]


@pytest.mark.parametrize("styles", [[STYLE], [STYLE, CONTENT]])
def test_reference_is_the_objective_that_is_optimized(vgg: WeightsFile, styles: list[Tensor]) -> None:
    settings = GatysSettings(
        content_weight=2.0, style_weight=7.0, tv_weight=0.5, steps=3, scales="single", optimizer="adam"
    )
    features = load_vgg16(vgg, LAYERS, padding="replicate")
    result = optimize(CONTENT, styles, features=features, settings=settings)
    comparison = compare_optimizers(
        CONTENT,
        styles,
        vgg=vgg,
        settings=BenchmarkSettings(size=20, optimizers=["adam"], objective=settings),
        run=Recorder(),
    )
    loss, terms = ReferenceObjective(comparison.setup)(result.image)
    assert loss == pytest.approx(result.loss, rel=1e-4)
    assert terms == pytest.approx(dict(result.terms), rel=1e-4)


def test_reference_is_float32_whatever_the_optimizers_work_in(
    recorded: Callable[..., tuple[OptimizerComparison, Recorder]],
) -> None:
    exact, rough = (recorded(optimizers=["adam"], precision=name)[0] for name in ("fp32", "bf16"))
    assert (exact.setup.dtype, rough.setup.dtype) == (torch.float32, torch.bfloat16)
    assert exact.runs[0].loss == rough.runs[0].loss


@pytest.mark.parametrize("name", sorted(DETERMINISTIC))
def test_deterministic_optimizers_ignore_the_seed(vgg: WeightsFile, name: str) -> None:
    features = load_vgg16(vgg, LAYERS)
    small = resize_shorter(CONTENT, 16)
    images = [
        optimize(
            small,
            STYLE,
            features=features,
            settings=GatysSettings(optimizer=name, max_evaluations=15, scales="single", seed=seed),
        ).image
        for seed in (0, 1)
    ]
    torch.testing.assert_close(images[0], images[1], rtol=0, atol=0)


@pytest.mark.slow
def test_real_comparison_in_this_process(vgg: WeightsFile) -> None:
    settings = BenchmarkSettings(size=16, seconds=0.2, evaluations=6, seeds=1)
    comparison = compare_optimizers(CONTENT, [STYLE], vgg=vgg, settings=settings, run=run_trial)
    assert {run.optimizer for run in comparison.runs} == set(OPTIMIZERS)
    for run in comparison.runs:
        assert run.samples[0].loss == pytest.approx(comparison.runs[0].samples[0].loss)
        assert run.loss <= 1.001 * run.samples[0].loss
        if run.budget.unit == "evaluations":
            assert run.evaluations <= 6.001


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizers": ["sgd"]}, "no optimizer 'sgd'"),
        ({"seconds": 0.0}, "does nothing"),
        ({"seconds": float("nan")}, "does nothing"),
        ({"evaluations": 0.5}, "does nothing"),
        ({"seconds": float("inf")}, "never ends"),
        ({"evaluations": float("inf")}, "never ends"),
        ({"seeds": 0}, "at least 1"),
        ({"objective": GatysSettings(start="nose")}, "content, noise or a picture"),
        ({"objective": GatysSettings(style_weight=-1.0)}, "weight"),
        ({"size": 2}, "too few"),
    ],
)
def test_bad_input_is_reported_before_any_run(
    vgg: WeightsFile, options: dict[str, Any], message: str
) -> None:
    recorder = Recorder()
    with pytest.raises(GanstyleError, match=message):
        compare_optimizers(CONTENT, [STYLE], vgg=vgg, settings=BenchmarkSettings(**options), run=recorder)
    assert recorder.trials == []


def test_missing_optimizers_are_reported_and_the_rest_compared(
    recorded: Callable[..., tuple[OptimizerComparison, Recorder]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cma", None)
    with pytest.warns(UserWarning, match=r"cma-es is left out: .* pip install 'ganstyle\[cma-es\]'"):
        comparison, _ = recorded()
    assert {run.optimizer for run in comparison.runs} == set(OPTIMIZERS) - {"cma-es"}
    with pytest.raises(GanstyleError, match=r"pip install 'ganstyle\[cma-es\]'"):
        recorded(optimizers=["cma-es"])


def test_renamed_optimizer_is_compared_under_its_new_name(
    recorded: Callable[..., tuple[OptimizerComparison, Recorder]],
) -> None:
    with pytest.warns(FutureWarning, match="'anneal' is now called 'cma-es'"):
        comparison, _ = recorded(optimizers=["anneal", "cma-es"], seeds=1)
    assert [run.optimizer for run in comparison.runs] == ["cma-es", "cma-es"]
