"""The discriminator's learning rate follows its accuracy, exactly after a resume as well."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from ganstyle.errors import RecipeError
from ganstyle.losses import GANLoss
from ganstyle.recipe import Recipe
from ganstyle.runs.launch import start_accelerator
from ganstyle.training import Event, Progress, train
from ganstyle.training.state import fresh_state

RecipeMaker = Callable[..., dict[str, Any]]


def final(values: dict[str, Any]) -> dict[str, Any]:
    recipe = Recipe.parse(values, source="test")
    train(recipe)
    state: dict[str, Any] = torch.load(
        recipe.folder / "checkpoints" / f"step-{recipe.steps:06d}" / "state.pt", weights_only=True
    )
    return state


@pytest.fixture
def always_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GANLoss, "accuracy", lambda self, real, fake: torch.tensor(1.0))


def test_discriminator_that_is_always_right_is_slowed_down(tiny: RecipeMaker, always_right: None) -> None:
    events: list[Event] = []
    values = tiny(steps=4, balance={}, optimizer={"schedule": "constant"}, accumulate=2)
    train(Recipe.parse(values, source="test"), events.append)
    progress = [event.values for event in events if isinstance(event, Progress)]
    assert [each["accuracy/discriminator"] for each in progress] == [1.0] * 4
    factors = [each["balance/learning_rate_factor"] for each in progress]
    assert factors == pytest.approx([0.7, 0.7**2, 0.7**3, 0.7**4])
    state = final(values | {"name": "again"})
    assert state["discriminator_optimizer"]["param_groups"][0]["lr"] == pytest.approx(2e-4 * 0.7**3)
    assert state["generator_optimizer"]["param_groups"][0]["lr"] == pytest.approx(1e-3)


def test_balance_resumes_bit_exact(tiny: RecipeMaker, always_right: None) -> None:
    values = tiny(steps=4, balance={}, optimizer={"schedule": "constant"})
    whole = final(values | {"name": "whole"})
    final(values | {"name": "parts", "steps": 2})
    parts = final(values | {"name": "parts"})
    assert whole["balance"] == parts["balance"] != {}
    for network in ("generator", "discriminator"):
        for name, weight in whole[network].items():
            assert torch.equal(weight, parts[network][name])


def test_without_balance_or_discriminator_nothing_is_kept(tiny: RecipeMaker) -> None:
    assert "balance" not in final(tiny(steps=1))
    assert "balance" not in final(tiny(steps=1, name="plain", discriminator=None, balance={}))


def test_balance_can_be_turned_on_at_an_earlier_state(tiny: RecipeMaker) -> None:
    state = Recipe.parse(tiny(name="first", steps=1), source="test")
    train(state)
    path = state.folder / "checkpoints" / "step-000001"
    assert "accuracy" in final(tiny(name="second", steps=2, balance={}, resume=str(path)))["balance"]


def test_loss_scaling_can_be_turned_on_at_an_earlier_state(tiny_recipe: Recipe) -> None:
    accelerator = start_accelerator("fp32", accumulate=1)
    state = fresh_state(tiny_recipe, accelerator, warm=False)
    values = state.state_dict(accelerator)
    accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    state.load_state_dict(accelerator, values)
    assert accelerator.scaler.state_dict()["scale"] == 8.0


@pytest.mark.parametrize("band", [[0.9, 0.5], [0.5], [0.5, 1.5], "wide"])
def test_invalid_balance_band_is_refused(tiny: RecipeMaker, band: object) -> None:
    with pytest.raises(RecipeError, match=r"balance"):
        Recipe.parse(tiny(balance={"accuracy": band}), source="test")
