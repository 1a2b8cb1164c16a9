"""Whatever ends a training, the state of the last completed step is saved first."""

import errno
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ganstyle.data.training import TrainingData
from ganstyle.errors import DataError, GanstyleError, ImageError, RunError
from ganstyle.recipe import Recipe
from ganstyle.training import Event, Message, Progress, loop, train
from ganstyle.training.output import StyleOutput
from ganstyle.training.steps import generator_loss

RecipeMaker = Callable[..., dict[str, Any]]


def states(recipe: Recipe) -> list[str]:
    return sorted(path.name for path in (recipe.folder / "checkpoints").glob("*"))


def final(recipe: Recipe) -> dict[str, Any]:
    path = recipe.folder / "checkpoints" / f"step-{recipe.steps:06d}" / "state.pt"
    values: dict[str, Any] = torch.load(path, weights_only=True)
    return values


_TRAINED: dict[int, dict[str, Any]] = {}


def train_once(recipe: Recipe) -> dict[str, Any]:
    """Return how a training ends that nothing interrupts; they differ in how many batches a step has."""
    if recipe.accumulate not in _TRAINED:
        train(recipe)
        _TRAINED[recipe.accumulate] = final(recipe)
    return _TRAINED[recipe.accumulate]


def assert_same(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert first["photos"] == second["photos"]
    for part in ("generator", "average", "discriminator"):
        assert all(torch.equal(value, second[part][key]) for key, value in first[part].items()), part
    for part in ("generator_optimizer", "discriminator_optimizer"):
        for index, moments in first[part]["state"].items():
            assert torch.equal(moments["exp_avg"], second[part]["state"][index]["exp_avg"]), part


def recipes(tiny: RecipeMaker, **changes: Any) -> tuple[Recipe, Recipe]:
    """Return one training under two names; it saves at the end only."""
    values = tiny(steps=5, loss={"style": 5.0, "r1": 1.0, "r1_every": 2}, **changes)
    values["discriminator"] = values["discriminator"] | {"spectral_norm": True}
    values["run"] = values["run"] | {"save_every": 0}
    straight, broken = (Recipe.parse(values | {"name": name}, source="test") for name in ("one", "two"))
    return straight, broken


def fail_at(call: int, function: Callable[..., Any], error: Exception) -> Callable[..., Any]:
    """Return the function, which raises the error instead in its n-th call, counted from 1."""
    calls = 0

    def failing(*args: Any, **keywords: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise error
        return function(*args, **keywords)

    return failing


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        torch.OutOfMemoryError("CUDA out of memory"),
        OSError(errno.EIO, "Input/output error"),
        ValueError("a bug"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("place", ["discriminator_loss", "generator_loss"])
def test_a_failure_within_a_step_saves_the_step_before_bit_exact(
    tiny: RecipeMaker, monkeypatch: pytest.MonkeyPatch, error: Exception, place: str
) -> None:
    """The discriminator may have taken its step already, and spectral norm have moved its vectors."""
    straight, broken = recipes(tiny)
    events: list[Event] = []
    with monkeypatch.context() as patch:
        patch.setattr(loop, place, fail_at(4, getattr(loop, place), error))
        with pytest.raises((type(error), RunError)):
            train(broken, events.append)
    assert states(broken) == ["step-000003"]
    texts = [event.text for event in events if isinstance(event, Message)]
    assert "the state of step 3 is saved; the same command continues from there" in texts
    train(broken)
    assert_same(train_once(straight), final(broken))


def test_failure_in_the_second_accumulated_batch_saves_the_step_before(
    tiny: RecipeMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight, broken = recipes(tiny, accumulate=2)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "generator_loss", fail_at(8, generator_loss, RuntimeError("injected")))
        with pytest.raises(RuntimeError, match="injected"):
            train(broken)
    assert states(broken) == ["step-000003"]
    train(broken)
    assert_same(train_once(straight), final(broken))


@pytest.mark.parametrize("accumulate", [1, 2])
def test_failing_data_saves_the_state(
    tiny: RecipeMaker, monkeypatch: pytest.MonkeyPatch, accumulate: int
) -> None:
    straight, broken = recipes(tiny, accumulate=accumulate)
    error = DataError("the disk is gone")
    with monkeypatch.context() as patch:
        # The last photo of the fourth step.
        patch.setattr(TrainingData, "__getitem__", fail_at(8 * accumulate, TrainingData.__getitem__, error))
        with pytest.raises(DataError, match="the disk is gone"):
            train(broken)
    assert states(broken) == ["step-000003"]
    train(broken)
    assert_same(train_once(straight), final(broken))


def test_failing_callback_saves_the_state(tiny: RecipeMaker) -> None:
    straight, broken = recipes(tiny)

    def fail(event: Event) -> None:
        if isinstance(event, Progress) and event.step == 4:
            raise ValueError("a bug of the caller")

    with pytest.raises(ValueError, match="a bug of the caller"):
        train(broken, fail)
    assert states(broken) == ["step-000004"]
    train(broken)
    assert_same(train_once(straight), final(broken))


@pytest.mark.parametrize(
    ("place", "changes", "step"),
    [
        ("ganstyle.runs.writer.write_image", {"sample_every": 2}, 2),
        ("ganstyle.training.output.save_style", {"save_every": 3}, 3),
    ],
)
def test_failed_write_of_sample_or_style_saves_the_state(
    tiny: RecipeMaker, monkeypatch: pytest.MonkeyPatch, place: str, changes: dict[str, int], step: int
) -> None:
    values = tiny(steps=6)
    values["run"] = values["run"] | {"save_every": 0} | changes
    recipe = Recipe.parse(values, source="test")

    def full(*args: Any, **keywords: Any) -> None:
        if "step-000000" not in str(args):
            raise GanstyleError("the disk is full")

    monkeypatch.setattr(place, full)
    with pytest.raises(GanstyleError, match="the disk is full"):
        train(recipe)
    assert states(recipe) == [f"step-{step:06d}"]


def test_failing_scores_save_the_state(
    tiny: RecipeMaker, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe.parse(tiny(score={"every": 3, "content": str(photos), "size": 16}), source="test")
    measure = fail_at(2, StyleOutput.score, ImageError("a photo vanished"))
    monkeypatch.setattr(StyleOutput, "score", measure)
    with pytest.raises(ImageError, match="vanished"):
        train(recipe)
    assert states(recipe) == ["step-000002", "step-000003"]


def test_failed_save_of_the_state_is_not_retried(tiny: RecipeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def full(folder: Path, step: int, *args: Any, **keywords: Any) -> Path:
        calls.append(step)
        raise RunError("the training state cannot be saved")

    monkeypatch.setattr("ganstyle.runs.writer.save_state", full)
    with pytest.raises(RunError, match="cannot be saved"):
        train(Recipe.parse(tiny(), source="test"))
    assert calls == [2]


def test_failed_rescue_does_not_hide_the_error(tiny: RecipeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **keywords: Any) -> Path:
        raise RunError("the disk is full as well")

    _, recipe = recipes(tiny)
    monkeypatch.setattr("ganstyle.runs.writer.save_state", full)
    monkeypatch.setattr(loop, "generator_loss", fail_at(4, generator_loss, ValueError("the failure")))
    with pytest.raises(ValueError, match="the failure"):
        train(recipe)


def test_failure_before_the_first_step_leaves_no_run(
    tiny: RecipeMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, recipe = recipes(tiny)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "generator_loss", fail_at(1, generator_loss, MemoryError()))
        with pytest.raises(RunError, match=r"out of memory; lower batch_size"):
            train(recipe)
    assert states(recipe) == []
    assert train(recipe).finished


def test_saved_step_is_not_saved_again(tiny: RecipeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe.parse(tiny(), source="test")
    monkeypatch.setattr(loop, "generator_loss", fail_at(3, generator_loss, ValueError("the failure")))
    events: list[Event] = []
    with pytest.raises(ValueError, match="the failure"):
        train(recipe, events.append)
    assert states(recipe) == ["step-000002"]
    assert not any("is saved;" in event.text for event in events if isinstance(event, Message))


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # fork in a process with threads
def test_killed_data_worker_saves_the_state(tiny: RecipeMaker) -> None:
    straight, broken = recipes(tiny, workers=2)

    def kill(event: Event) -> None:
        if isinstance(event, Progress) and event.step == 3:
            for worker in multiprocessing.active_children():
                os.kill(worker.pid or 0, signal.SIGKILL)

    with pytest.raises(DataError, match="workers=0") as caught:
        train(broken, kill)
    assert "\n" not in str(caught.value)
    (name,) = states(broken)
    assert name in ("step-000003", "step-000004")  # a batch may have been ready
    train(broken)
    assert_same(train_once(straight), final(broken))
