"""The terms that look at pictures alone, rings and stray colors, in the training loop."""

from collections.abc import Callable
from typing import Any

import pytest

from ganstyle.losses import Rings
from ganstyle.recipe import Recipe
from ganstyle.style import load_style
from tests.training.conftest import logged_values

RecipeMaker = Callable[..., dict[str, Any]]
TERMS = ("rings", "stray_color")


@pytest.mark.parametrize("term", TERMS)
def test_term_is_logged_weighted_and_kept_in_the_style(tiny: RecipeMaker, term: str) -> None:
    recipe = Recipe.parse(tiny(loss={term: 3.0}), source="test")
    steps = logged_values(recipe)
    assert all(step[f"weighted/{term}"] == pytest.approx(3 * step[f"loss/{term}"]) for step in steps)
    assert getattr(load_style(recipe.folder / "style.safetensors").recipe.loss, term) == 3


def test_off_by_default(tiny: RecipeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **keywords: object) -> None:
        raise AssertionError("the term is off")

    monkeypatch.setattr(Rings, "from_images", refuse)
    monkeypatch.setattr("ganstyle.training.steps.stray_color", refuse)
    assert not any(
        f"loss/{term}" in step
        for step in logged_values(Recipe.parse(tiny(steps=1), source="test"))
        for term in TERMS
    )


@pytest.mark.parametrize("term", TERMS)
def test_training_lowers_the_term(tiny: RecipeMaker, term: str) -> None:
    loss = {"content": 0.0, "style": 0.0, "adversarial": 0.0, term: 1.0}
    values = tiny(steps=16, loss=loss, discriminator=None, optimizer={"lr": 1e-2})
    values["run"] = values["run"] | {"save_every": 0}
    measured = [step[f"loss/{term}"] for step in logged_values(Recipe.parse(values, source="test"))]
    assert sum(measured[-4:]) < 0.8 * sum(measured[:4])
