"""A training that diverges: it goes back and recovers, or stops with a diagnosis, and never says done."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor

from ganstyle.errors import RunError
from ganstyle.recipe import Recipe
from ganstyle.runs.guard import Guard
from ganstyle.runs.training_state import TrainingState, follow_schedule
from ganstyle.style import load_style
from ganstyle.training import Event, Message, Progress, loop, steps, train
from ganstyle.training.state import fresh_state
from ganstyle.training.validation import Scores

RecipeMaker = Callable[..., dict[str, Any]]


@dataclass
class Moment:
    """Where a training is: the step about to be taken, and what the guard made of the learning rate."""

    step: int = 0
    factor: float = 1.0


Injector = Callable[[str, Callable[[Moment], bool]], None]


@pytest.fixture
def inject(monkeypatch: pytest.MonkeyPatch) -> Injector:
    """Return a function that makes a network's loss NaN at some moments."""
    moment = Moment()

    def note(state: TrainingState, *args: Any, factor: float, **keywords: Any) -> None:
        moment.step, moment.factor = state.step, factor
        follow_schedule(state, *args, factor=factor, **keywords)

    def inject(network: str, bad: Callable[[Moment], bool]) -> None:
        name = f"{network}_loss"
        loss = getattr(steps, name)

        def broken(*args: Any, **keywords: Any) -> tuple[Tensor, dict[str, Tensor]]:
            total, log = loss(*args, **keywords)
            return total * (math.nan if bad(moment) else 1.0), log

        monkeypatch.setattr(loop, "follow_schedule", note)
        monkeypatch.setattr(loop, name, broken)

    return inject


def run(values: dict[str, Any]) -> tuple[Recipe, list[Event]]:
    recipe = Recipe.parse(values, source="test")
    events: list[Event] = []
    train(recipe, events.append)
    return recipe, events


def said(events: list[Event]) -> str:
    return "\n".join(event.text for event in events if isinstance(event, Message))


def final(recipe: Recipe) -> dict[str, Any]:
    path = recipe.folder / "checkpoints" / f"step-{recipe.steps:06d}" / "state.pt"
    values: dict[str, Any] = torch.load(path, weights_only=True)
    return values


def assert_finite(folder: Path) -> None:
    for path in folder.glob("*.safetensors"):
        assert all(value.isfinite().all() for value in load_style(path).generator.state_dict().values())


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_one_diverged_network_stops_the_run(tiny: RecipeMaker, inject: Injector, network: str) -> None:
    inject(network, lambda now: now.step >= 5)
    recipe = Recipe.parse(tiny(steps=40, guard={"patience": 3, "returns": 2}), source="test")
    events: list[Event] = []
    with pytest.raises(RunError, match=f"step 8: the {network}'s loss or gradient was not finite") as caught:
        train(recipe, events.append)
    assert "after 2 returns" in str(caught.value)
    assert "0.25 of the recipe's" in str(caught.value)
    assert "\n" not in str(caught.value)
    text = said(events)
    assert text.count("back to step 4") == 2
    assert "done" not in text
    assert_finite(recipe.folder)
    assert (recipe.folder / "checkpoints" / "step-000004" / "manifest.json").is_file()


def test_rollback_lowers_the_learning_rate_and_recovers(tiny: RecipeMaker, inject: Injector) -> None:
    inject("generator", lambda now: now.step >= 4 and now.factor > 0.3)
    values = tiny(steps=10, guard={"patience": 3}, optimizer={"schedule": "constant"})
    recipe, events = run(values)
    text = said(events)
    assert (
        "step 7: the generator's loss or gradient was not finite for 3 steps in a row; back to step 4" in text
    )
    assert "done: " in text
    progress = [event for event in events if isinstance(event, Progress)]
    assert [event.step for event in progress] == [1, 2, 3, 4, 5, 6, 5, 6, *range(5, 11)]
    assert [event.values["learning_rate"] for event in progress[-6:]] == pytest.approx([0.25e-3] * 6)
    assert progress[-1].values["skipped/generator"] == 6
    assert progress[-1].values["skipped/discriminator"] == 0
    curves = EventAccumulator(str(recipe.folder / "tensorboard"))
    curves.Reload()
    assert [point.step for point in curves.Scalars("loss/generator")] == list(range(1, 11))


def test_resume_bit_exact_after_a_rollback(tiny: RecipeMaker, inject: Injector) -> None:
    inject("generator", lambda now: now.step >= 4 and now.factor > 0.6)
    values = tiny(steps=8, guard={"patience": 3})
    straight, _ = run(values | {"name": "straight"})
    stopped = Recipe.parse(values | {"name": "stopped"}, source="test")

    def stop(event: Event) -> None:
        if isinstance(event, Progress) and event.step == 7 and event.values["skipped/generator"]:
            raise OSError(5, "as when a terminal is gone")

    with pytest.raises(OSError, match="terminal"):
        train(stopped, stop)
    train(stopped)
    one, two = final(straight), final(stopped)
    assert one["guard"] == two["guard"]
    for part in ("generator", "average", "discriminator"):
        assert all(torch.equal(value, two[part][key]) for key, value in one[part].items()), part


def test_resume_keeps_the_count_of_skipped_steps(tiny: RecipeMaker, inject: Injector) -> None:
    inject("generator", lambda now: now.step >= 4)
    values = tiny(steps=40, guard={"patience": 4, "returns": 0})

    def stop(event: Event) -> None:
        if isinstance(event, Progress) and event.step == 5:
            raise OSError(5, "as when a terminal is gone")

    with pytest.raises(OSError, match="terminal"):
        train(Recipe.parse(values, source="test"), stop)
    with pytest.raises(RunError, match="step 8"):
        run(values)


@pytest.mark.parametrize(("steps", "first"), [(6, 3), (2, 0), (1, 0)])
@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_divergence_in_the_last_steps_is_an_error(
    tiny: RecipeMaker, inject: Injector, network: str, steps: int, first: int
) -> None:
    inject(network, lambda now: now.step >= first)
    recipe = Recipe.parse(tiny(steps=steps, guard={"returns": 1}), source="test")
    events: list[Event] = []
    with pytest.raises(RunError, match=f"the {network}'s loss or gradient"):
        train(recipe, events.append)
    assert "done" not in said(events)
    assert not (recipe.folder / "checkpoints" / f"step-{steps:06d}").exists()


def test_single_skipped_last_step_is_no_error(tiny: RecipeMaker, inject: Injector) -> None:
    inject("generator", lambda now: now.step == 5)
    recipe, events = run(tiny(steps=6))
    assert "done: " in said(events)
    assert "step 6: the generator's loss or gradient is not finite; its step is skipped" in said(events)
    assert_finite(recipe.folder)


def test_no_periodic_save_while_steps_are_skipped(tiny: RecipeMaker, inject: Injector) -> None:
    """It would push the last good one out."""
    inject("generator", lambda now: 3 <= now.step < 9)
    values = tiny(steps=12)
    values["run"] = values["run"] | {"save_every": 2, "keep": 99}
    recipe, _ = run(values)
    assert sorted(path.name for path in (recipe.folder / "checkpoints").iterdir()) == [
        f"step-{step:06d}" for step in (2, 10, 12)
    ]


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
@pytest.mark.parametrize("lr", [1e20, 1e30])
def test_exploded_weights_are_an_error(tiny: RecipeMaker, steps: int, lr: float) -> None:
    values = tiny(steps=steps, optimizer={"lr": lr, "schedule": "constant"}, discriminator=None)
    recipe = Recipe.parse(values, source="test")
    events: list[Event] = []
    with pytest.raises(RunError, match="not finite"):
        train(recipe, events.append)
    assert "done" not in said(events)
    assert_finite(recipe.folder)


@pytest.mark.parametrize("part", ["generator", "average", "discriminator", "generator_optimizer"])
def test_a_state_with_a_part_that_is_not_finite_is_not_saved(
    tiny: RecipeMaker, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """However it came about: such as by a bug, or by a bit that flipped."""
    update = Guard.end_step

    def corrupt(self: Guard, *args: Any, step: int, **keywords: Any) -> str | None:
        if step == 2:
            values = state[0].state_dict(self._accelerator)[part]
            tensors = values["state"][0].values() if "state" in values else values.values()
            next(value for value in tensors if value.dim() > 0).fill_(math.nan)
        return update(self, *args, step=step, **keywords)

    state: list[TrainingState] = []

    def remember(*args: Any, **keywords: Any) -> TrainingState:
        state.append(fresh_state(*args, **keywords))
        return state[0]

    monkeypatch.setattr(loop, "fresh_state", remember)
    monkeypatch.setattr(Guard, "end_step", corrupt)
    values = tiny(steps=4, guard={"returns": 1})
    recipe = Recipe.parse(values, source="test")
    with pytest.raises(RunError, match=f"step 2: the {part.replace('_', ' ')} is not finite"):
        train(recipe)
    assert not list((recipe.folder / "checkpoints").glob("*"))
    assert not (recipe.folder / "style.safetensors").exists()


def test_best_of_what_diverged_is_set_aside(
    tiny: RecipeMaker, inject: Injector, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inject("generator", lambda now: now.step >= 5 and now.factor > 0.6)
    # Of steps 0 to 7, and of 5 to 8 once more.
    styles = iter([9, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.06, 0.25, 0.35, 0.45, 0.55])
    monkeypatch.setattr(Scores, "measure", lambda *_: {"content": 0.0, "style": next(styles)})
    score = {"every": 1, "content": str(photos), "size": 16, "count": 1}
    values = tiny(steps=8, guard={"patience": 3}, score=score)
    recipe, events = run(values)
    assert "back to step 4" in said(events)
    assert "best.safetensors: is of a later step than 4; moved to" in said(events)
    aside = recipe.folder / "checkpoints" / "abandoned-1"
    for folder, step in ((aside, 6), (recipe.folder, 5)):
        assert load_style(folder / "best.safetensors").info["training"]["steps"] == step
