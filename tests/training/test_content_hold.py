"""The content loss is held where training began, exactly after a resume as well."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ganstyle.errors import RunError
from ganstyle.recipe import Recipe
from ganstyle.training import Event, Message, Progress, train

RecipeMaker = Callable[..., dict[str, Any]]
FACTOR = "balance/content_factor"
HELD = {"style": 5.0, "hold_content": True}


def run(values: dict[str, Any]) -> tuple[list[Event], dict[str, Any]]:
    """Train; return what was told, and the last state."""
    recipe, events = Recipe.parse(values, source="test"), list[Event]()
    train(recipe, events.append)
    path = recipe.folder / "checkpoints" / f"step-{recipe.steps:06d}" / "state.pt"
    return events, torch.load(path, weights_only=True)


@pytest.fixture
def begun(tiny: RecipeMaker) -> Path:
    """A style to start from, hardly trained."""
    recipe = Recipe.parse(tiny(name="begun", steps=1), source="test")
    return train(recipe).style


def test_limit_is_the_content_loss_of_the_style_that_training_starts_from(
    tiny: RecipeMaker, begun: Path
) -> None:
    # Rates of almost nothing: each step's loss is that of the style it began with, on that step's photos.
    slow = {"lr": 1e-9, "schedule": "constant"}
    values = tiny(init=str(begun), steps=16, loss=HELD, optimizer=slow, crop_scales=[1, 1.1])
    events, state = run(values)
    losses = [event.values["loss/content"] for event in events if isinstance(event, Progress)]
    assert len(losses) == 16  # with two photos each, those that the limit was measured on
    assert state["content_hold"]["limit"] == pytest.approx(sum(losses) / 16, rel=1e-3)
    assert any("holds the content loss at" in event.text for event in events if isinstance(event, Message))


def test_weight_of_content_rises_while_too_much_is_lost(
    tiny: RecipeMaker, begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganstyle.training.loop.measure_content", lambda *arguments: 1e-2)
    events, state = run(tiny(init=str(begun), loss=HELD, accumulate=2))
    progress = [event.values for event in events if isinstance(event, Progress)]
    factors = [each[FACTOR] for each in progress]
    assert sorted(set(factors)) == factors
    assert state["content_hold"]["factor"] == pytest.approx(factors[-1])
    # The weights of a step follow from the steps before.
    for each, factor in zip(progress, [1.0, *factors], strict=False):
        assert each["weighted/content"] == pytest.approx(each["loss/content"] * factor, rel=1e-5)


def test_pictures_of_other_strengths_do_not_count(
    tiny: RecipeMaker, begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganstyle.training.loop.measure_content", lambda *arguments: 1e-2)
    generator = {"name": "resnet", "width": 4, "blocks": 1, "kernel": 3, "strength": True}
    style = train(Recipe.parse(tiny(name="strong", steps=1, generator=generator), source="test")).style
    phases = [{"until": 0.5, "strengths": False}, {"until": 1}]
    events, _ = run(tiny(init=str(style), loss=HELD, phases=phases, generator=generator))
    told = [FACTOR in event.values for event in events if isinstance(event, Progress)]
    assert told == [True, True, False, False]


def test_content_hold_resumes_bit_exact(tiny: RecipeMaker, begun: Path) -> None:
    values = tiny(init=str(begun), loss=HELD, optimizer={"schedule": "constant"})
    _, whole = run(values | {"name": "whole"})
    run(values | {"name": "parts", "steps": 2})
    _, parts = run(values | {"name": "parts"})
    assert whole["content_hold"] == parts["content_hold"] != {}
    for name, weight in whole["generator"].items():
        assert torch.equal(weight, parts["generator"][name])


def test_holding_from_an_earlier_state_on_is_one_line(tiny: RecipeMaker, begun: Path) -> None:
    state = begun.parent / "checkpoints" / "step-000001"
    values = tiny(name="held", init=str(begun), loss=HELD, resume=str(state))
    with pytest.raises(RunError, match=r"step-000001: was saved without loss\.hold_content") as caught:
        train(Recipe.parse(values, source="test"))
    assert "\n" not in str(caught.value)


def test_nothing_is_held_without_init_or_unless_asked(tiny: RecipeMaker, begun: Path) -> None:
    for name, changes, said in (("free", {"loss": HELD}, True), ("plain", {"init": str(begun)}, False)):
        events, state = run(tiny(name=name, steps=1) | changes)
        assert "content_hold" not in state
        lines = [event.text for event in events if isinstance(event, Message)]
        assert any("holds nothing" in line for line in lines) is said
