from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys import LAYERS, OPTIMIZERS, optimize
from ganstyle.gatys.benchmark.comparison import DETERMINISTIC, RunFinished, compare
from ganstyle.gatys.benchmark.objective import ReferenceObjective
from ganstyle.gatys.benchmark.runs import Comparison
from ganstyle.gatys.benchmark.snapshots import Snapshot
from ganstyle.gatys.benchmark.trial import Outcome, Setup, Trial, run_trial
from ganstyle.images import resize_shorter
from ganstyle.weights import WeightsFile, find_vgg16, load_vgg16

CONTENT = torch.rand(1, 3, 20, 24, generator=torch.Generator().manual_seed(0))
STYLE = torch.rand(1, 3, 30, 18, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def vgg(vgg16_weights: Path) -> WeightsFile:
    return find_vgg16(str(vgg16_weights))


class Recorder:
    """Runs nothing: hands back the start, brightened by a hundredth."""

    def __init__(self) -> None:
        self.trials: list[Trial] = []
        self.setups: list[Setup] = []

    def __call__(self, setup: Setup, trial: Trial, folder: Path) -> Outcome:
        self.trials.append(trial)
        self.setups.append(setup)
        np.save(folder / "0.npy", (trial.start + 0.01).clamp(0, 1).numpy())
        snapshots = [Snapshot(0.5, 3.0, folder / "0.npy")]
        return Outcome(snapshots, 3, 4.0, 0.6, 1000, ["a note"])


@pytest.fixture
def recorded(vgg: WeightsFile) -> Callable[..., tuple[Comparison, Recorder]]:
    def run(**options: Any) -> tuple[Comparison, Recorder]:
        recorder = Recorder()
        options = {"size": 16, "seeds": 2, **options}
        return compare(CONTENT, [STYLE], vgg=vgg, run_trial=recorder, **options), recorder

    return run


def test_every_optimizer_runs_under_both_budgets(
    recorded: Callable[..., tuple[Comparison, Recorder]],
) -> None:
    comparison, recorder = recorded(seconds=7.0, evaluations=11.0)
    for unit, amount in (("seconds", 7.0), ("evaluations", 11.0)):
        budgets = [t for t in recorder.trials if t.budget.unit == unit]
        assert {t.optimizer for t in budgets} == set(OPTIMIZERS)
        assert {t.budget.amount for t in budgets} == {amount}
    assert [b.unit for b in comparison.budgets] == ["seconds", "evaluations"]
    assert all(setup is comparison.setup for setup in recorder.setups)
    assert len(comparison.runs) == len(recorder.trials)


def test_seeds_are_for_those_that_they_matter_to(
    recorded: Callable[..., tuple[Comparison, Recorder]],
) -> None:
    comparison, recorder = recorded()
    for name in OPTIMIZERS:
        seeds = [t.seed for t in recorder.trials if t.optimizer == name and t.budget.unit == "seconds"]
        assert seeds == ([0] if name in DETERMINISTIC else [0, 1])
    assert set(comparison.repeated) == set(OPTIMIZERS) - DETERMINISTIC
    comparison, recorder = recorded(start="noise", optimizers=["adam"])
    assert [t.seed for t in recorder.trials] == [0, 1, 0, 1]
    assert comparison.repeated == ["adam"]
    assert recorded(seeds=1)[0].repeated == []


def test_all_have_the_same_start(recorded: Callable[..., tuple[Comparison, Recorder]]) -> None:
    comparison, recorder = recorded()
    for trial in recorder.trials:
        torch.testing.assert_close(trial.start, resize_shorter(CONTENT, 16))
    _, recorder = recorded(start="noise")
    starts = {(t.seed, float(t.start.sum())) for t in recorder.trials}
    assert len(starts) == 2
    _, recorder = recorded(start=STYLE)
    assert recorder.trials[0].start.shape == (1, 3, 16, 19)
    assert comparison.setup.content.shape == (1, 3, 16, 19)
    assert comparison.setup.styles[0].shape == (1, 3, 27, 16)


def test_runs_are_judged_and_told_of(vgg: WeightsFile) -> None:
    events: list[RunFinished] = []
    comparison = compare(
        CONTENT, [STYLE], vgg=vgg, size=16, optimizers=["lbfgs"], on_event=events.append, run_trial=Recorder()
    )
    judge = ReferenceObjective(comparison.setup)
    content = comparison.setup.content
    run = comparison.runs[0]
    assert [(s.seconds, s.evaluations) for s in run.samples] == [(0.0, 0.0), (0.5, 3.0)]
    assert run.samples[0].loss == pytest.approx(judge(content)[0])
    assert run.loss == run.samples[1].loss == pytest.approx(judge((content + 0.01).clamp(0, 1))[0])
    assert run.terms.keys() == {"content", "style", "tv"}
    assert (run.steps, run.evaluations, run.seconds, run.peak_memory) == (3, 4.0, 0.6, 1000)
    assert [(e.index, e.total) for e in events] == [(1, 2), (2, 2)]
    assert events[1].run is comparison.runs[1]


@pytest.mark.parametrize("styles", [[STYLE], [STYLE, CONTENT]])
def test_the_judge_is_the_objective_that_is_optimized(vgg: WeightsFile, styles: list[Tensor]) -> None:
    features = load_vgg16(vgg, LAYERS)
    weights: Any = {"content_weight": 2.0, "style_weight": 7.0, "tv_weight": 0.5}
    result = optimize(
        CONTENT, styles, features=features, steps=3, scales="single", optimizer="adam", **weights
    )
    comparison = compare(
        CONTENT, styles, vgg=vgg, size=20, optimizers=["adam"], run_trial=Recorder(), **weights
    )
    loss, terms = ReferenceObjective(comparison.setup)(result.image)
    assert loss == pytest.approx(result.loss, rel=1e-4)
    assert terms == pytest.approx(dict(result.terms), rel=1e-4)


def test_the_judge_works_in_float32_whatever_the_optimizers_work_in(vgg: WeightsFile) -> None:
    losses = [
        compare(CONTENT, [STYLE], vgg=vgg, size=16, optimizers=["adam"], dtype=dtype, run_trial=Recorder())
        for dtype in (torch.float32, torch.bfloat16)
    ]
    assert losses[0].runs[0].loss == losses[1].runs[0].loss


@pytest.mark.parametrize("name", sorted(DETERMINISTIC & OPTIMIZERS.keys()))
def test_the_deterministic_do_not_care_for_the_seed(vgg: WeightsFile, name: str) -> None:
    features = load_vgg16(vgg, LAYERS)
    small = resize_shorter(CONTENT, 16)
    images = [
        optimize(
            small, STYLE, features=features, optimizer=name, max_evaluations=15, scales="single", seed=seed
        ).image
        for seed in (0, 1)
    ]
    torch.testing.assert_close(images[0], images[1], rtol=0, atol=0)


def test_a_real_comparison_in_this_process(vgg: WeightsFile) -> None:
    comparison = compare(
        CONTENT, [STYLE], vgg=vgg, size=16, seconds=0.2, evaluations=6, seeds=1, run_trial=run_trial
    )
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
        ({"optimizers": []}, "no optimizer was named"),
        ({"seconds": 0.0}, "does nothing"),
        ({"seconds": float("nan")}, "does nothing"),
        ({"evaluations": 0.5}, "does nothing"),
        ({"seeds": 0}, "at least 1"),
        ({"start": "nose"}, "content, noise or a picture"),
        ({"style_weight": -1.0}, "weight"),
        ({"size": 2}, "too few"),
    ],
)
def test_bad_input_is_told_before_anything_runs(
    vgg: WeightsFile, options: dict[str, Any], message: str
) -> None:
    recorder = Recorder()
    with pytest.raises(GanstyleError, match=message):
        compare(CONTENT, [STYLE], vgg=vgg, run_trial=recorder, **options)
    assert recorder.trials == []
