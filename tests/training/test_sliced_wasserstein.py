"""The sliced Wasserstein distance in the training loop."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from ganstyle.losses import SlicedWasserstein
from ganstyle.recipe import Recipe
from ganstyle.style import load_style
from ganstyle.training import train
from tests.training.conftest import logged_values

RecipeMaker = Callable[..., dict[str, Any]]


def trained(values: dict[str, Any]) -> tuple[Recipe, list[dict[str, float]]]:
    """Train; return what each step logged, too."""
    recipe = Recipe.parse(values, source="test")
    return recipe, logged_values(recipe)


def weights(recipe: Recipe, step: int = 4) -> dict[str, Tensor]:
    path = recipe.folder / "checkpoints" / f"step-{step:06d}" / "state.pt"
    state: dict[str, Tensor] = torch.load(path, weights_only=True)["generator"]
    return state


@pytest.mark.parametrize(
    ("strength", "discriminator"),
    [(False, None), (True, {"name": "projected", "width": 4, "patch_size": 56})],
)
def test_sliced_wasserstein_resume_bit_exact(
    tiny: RecipeMaker, strength: bool, discriminator: dict[str, Any] | None
) -> None:
    generator = {"name": "resnet", "width": 4, "blocks": 1, "kernel": 3, "strength": strength}
    values = tiny(loss={"style": 0.0, "sliced_wasserstein": 5.0}, generator=generator)
    values |= {"discriminator": discriminator, "image_size": 56}  # more positions than are drawn
    recipe, logged = trained(values)
    assert all(step["loss/sliced_wasserstein"] > 0 for step in logged)
    assert all(
        step["weighted/sliced_wasserstein"] == pytest.approx(5 * step["loss/sliced_wasserstein"])
        for step in logged
    )
    assert all(step["weighted/style"] == 0 for step in logged)
    whole = weights(recipe)
    shutil.rmtree(recipe.folder / "checkpoints" / "step-000004")
    train(recipe)
    assert all(torch.equal(value, weights(recipe)[key]) for key, value in whole.items())
    assert load_style(recipe.folder / "style.safetensors").recipe.loss.sliced_wasserstein == 5


def test_sliced_wasserstein_off_costs_nothing(tiny: RecipeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **keywords: object) -> None:
        raise AssertionError("the distance is off")

    monkeypatch.setattr(SlicedWasserstein, "from_images", refuse)
    monkeypatch.setattr(SlicedWasserstein, "__call__", refuse)
    _, logged = trained(tiny(steps=1))
    assert "loss/sliced_wasserstein" not in logged[0]


def test_sliced_wasserstein_leaves_other_random_numbers_alone(tiny: RecipeMaker) -> None:
    """With next to no weight, photos, crops, strengths and the discriminator's patches are as without it."""
    changes = {"name": "lean", "width": 4, "strength": True}
    first = trained(tiny(name="off", steps=1, generator=changes))[1][0]
    on = tiny(
        name="on", steps=1, generator=changes, loss={"style": 5.0, "tv": 0.1, "sliced_wasserstein": 1e-9}
    )
    second = trained(on)[1][0]
    for name in ("loss/content", "loss/style", "loss/discriminator", "loss/adversarial"):
        assert second[name] == first[name], name


def test_sliced_wasserstein_trains_alone_and_beside_gram(tiny: RecipeMaker) -> None:
    for name, style in (("alone", 0.0), ("both", 2.0)):
        loss = {"content": 0.0, "style": style, "sliced_wasserstein": 2.0, "adversarial": 0.0}
        values = tiny(name=name, steps=16, loss=loss, discriminator=None, optimizer={"lr": 1e-2})
        values["run"] = values["run"] | {"save_every": 0}
        _, logged = trained(values)
        losses = [step["loss/sliced_wasserstein"] for step in logged]
        assert sum(losses[-4:]) < 0.8 * sum(losses[:4])


def test_weighted_score_counts_style_for_both_terms(tiny: RecipeMaker) -> None:
    loss = {"content": 2.0, "style": 3.0, "sliced_wasserstein": 4.0}
    recipe = Recipe.parse(tiny(loss=loss), source="test")
    assert recipe.loss.weighted({"content": 0.5, "style": 0.1}) == pytest.approx(1 + 0.7)
