"""What a distillation shares with a training: it saves before it fails, and notices that it diverged."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from ganstyle.distill import DistillationRecipe, distill, loop
from ganstyle.errors import RecipeError, RunError
from ganstyle.losses import style_loss
from ganstyle.runs.events import Event, Message

RecipeMaker = Callable[..., dict[str, Any]]


def parse(values: dict[str, Any]) -> DistillationRecipe:
    return DistillationRecipe.parse(values, source="test")


def state(recipe: DistillationRecipe, step: int) -> dict[str, Any]:
    path = recipe.folder / "checkpoints" / f"step-{step:06d}" / "state.pt"
    values: dict[str, Any] = torch.load(path, weights_only=True)
    return values


def test_a_failure_within_a_step_saves_the_step_before_bit_exact(
    tiny: RecipeMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By then the pictures of the pool have taken their step, and batch norm has seen the batch."""
    values = tiny(steps=6, run=tiny()["run"] | {"save_every": 0})
    straight, broken = parse(values | {"name": "straight"}), parse(values | {"name": "broken"})
    distill(straight)
    calls = 0

    def failing(*args: Any) -> Tensor:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return style_loss(*args)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "style_loss", failing)
        with pytest.raises(RunError, match=r"out of memory; lower batch_size, .*on_policy\.pictures"):
            distill(broken)
    assert state(broken, 3)["step"] == 3
    distill(broken)
    one, two = state(straight, 6), state(broken, 6)
    assert all(torch.equal(value, two["student"][name]) for name, value in one["student"].items())
    assert torch.equal(one["pictures"][0]["pool"], two["pictures"][0]["pool"])


def test_divergence_rolls_back_and_stops(tiny: RecipeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0

    def diverging(*args: Any) -> Tensor:
        nonlocal calls
        calls += 1
        return style_loss(*args) * (math.nan if calls > 3 else 1.0)

    monkeypatch.setattr(loop, "style_loss", diverging)
    recipe = parse(tiny(steps=20, guard={"patience": 2, "returns": 1}))
    events: list[Event] = []
    with pytest.raises(RunError, match="the student's loss or gradient was not finite"):
        distill(recipe, events.append)
    texts = [event.text for event in events if isinstance(event, Message)]
    assert any("back to step 2" in text for text in texts)
    assert not any("done" in text for text in texts)


def test_exploded_weights_are_an_error(tiny: RecipeMaker) -> None:
    recipe = parse(tiny(steps=3, optimizer={"lr": 1e30, "lr_adam": 1e30, "warmup": 0}))
    with pytest.raises(RunError, match="not finite"):
        distill(recipe)
    assert not (recipe.folder / "student.safetensors").exists()


@pytest.mark.parametrize("size", [1, 3])
def test_photos_too_small_to_measure_are_one_line(tiny: RecipeMaker, photos: Any, size: int) -> None:
    recipe = parse(tiny(score={"every": 1, "content": str(photos), "size": size}))
    with pytest.raises(RecipeError, match=r"'score\.size': scores need 4 pixels or more"):
        distill(recipe)


def test_smallest_photos_can_be_measured(tiny: RecipeMaker, photos: Any) -> None:
    assert distill(parse(tiny(steps=1, score={"every": 1, "content": str(photos), "size": 4}))).scores
