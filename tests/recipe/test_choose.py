from pathlib import Path

import pytest

from ganstyle.recipe.choose import recipe_for_run, trainable_recipes
from ganstyle.shipped import DEFAULT_RECIPE


@pytest.mark.parametrize("name", trainable_recipes())
def test_recipe_for_run(name: str, tmp_path: Path) -> None:
    recipe = recipe_for_run(name, tmp_path / "runs" / "mine", tmp_path / "p.png", tmp_path / "photos")
    assert recipe.folder == tmp_path / "runs" / "mine"
    assert recipe.style.path == str(tmp_path / "p.png")
    assert recipe.content.path == str(tmp_path / "photos")
    assert recipe.score.every == 0
    # The shipped painting's title is not this one's.
    assert recipe.style.title == recipe.style.author == recipe.style.license == ""


def test_only_recipes_that_train_a_style() -> None:
    recipes = trainable_recipes()
    assert DEFAULT_RECIPE in recipes
    assert "quickstart" in recipes
    assert all(recipes.values())
    assert not [name for name in recipes if "/" in name]
