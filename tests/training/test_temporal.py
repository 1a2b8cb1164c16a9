"""Training for videos: the temporal loss in the loop."""

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch

from ganstyle.recipe import Recipe
from ganstyle.training import train
from tests.training.conftest import logged_values

RecipeMaker = Callable[..., dict[str, Any]]


def test_temporal_loss_is_off_by_default(tiny: RecipeMaker) -> None:
    recipe = Recipe.parse(tiny(steps=1), source="test")
    assert recipe.loss.temporal == 0
    assert "loss/temporal" not in logged_values(recipe)[0]


@pytest.mark.parametrize("strength", [False, True])
def test_temporal_loss_resume_bit_exact(tiny: RecipeMaker, strength: bool) -> None:
    generator = {"name": "resnet", "width": 4, "blocks": 1, "kernel": 3, "strength": strength}
    values = tiny(name="whole", loss={"temporal": 20.0}, generator=generator)

    def weights(recipe: Recipe) -> dict[str, torch.Tensor]:
        state = recipe.folder / "checkpoints" / "step-000004" / "state.pt"
        loaded: dict[str, torch.Tensor] = torch.load(state, weights_only=True)["generator"]
        return loaded

    whole = Recipe.parse(values, source="test")
    logged = logged_values(whole)
    assert all(step["weighted/temporal"] == pytest.approx(20 * step["loss/temporal"]) for step in logged)
    assert all(step["loss/temporal"] > 0 for step in logged)
    parts = Recipe.parse(values | {"name": "parts"}, source="test")
    train(parts)
    shutil.rmtree(parts.folder / "checkpoints" / "step-000004")
    train(parts)
    assert all(torch.equal(value, weights(parts)[key]) for key, value in weights(whole).items())
    assert json.loads(json.dumps(parts.to_dict()))["loss"]["temporal"] == 20.0
