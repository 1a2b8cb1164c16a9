"""Recipes to choose from: shipped ones, for any painting and photos, and those of runs that can go on."""

from contextlib import suppress
from pathlib import Path

from ganstyle.errors import RecipeError
from ganstyle.recipe.load import read_recipe
from ganstyle.recipe.schema import Recipe
from ganstyle.shipped import describe_recipe, shipped_recipes


def trainable_recipes() -> dict[str, str]:
    """Return the shipped recipes that train a style, each with what it is."""
    recipes = {}
    for name, path in shipped_recipes().items():
        with suppress(RecipeError):  # of another kind of training, or a launch file
            if path.suffix == ".yaml" and "/" not in name and Recipe.load(path):
                recipes[name] = describe_recipe(path)
    return recipes


def recipe_for_run(recipe: str, run: Path, painting: Path, photos: Path) -> Recipe:
    """Return a shipped recipe for other paintings and photos, without scores on validation photos.

    Args:
        recipe: its name.
        run: the run's folder.
        painting: a file, or a folder of them.
        photos: a folder.

    Raises:
        RecipeError: there is no such recipe, or the run's name is not allowed.
    """
    values = read_recipe(shipped_recipes()[recipe])
    values["name"] = run.name
    values["content"] = {"kind": "folder", "path": str(photos)}
    size = values.get("style", {}).get("size")
    values["style"] = {"path": str(painting), **({"size": size} if size else {})}
    values["score"] = {"every": 0}
    values["run"] = {**values.get("run", {}), "dir": str(run.parent)}
    return Recipe.parse(values, source=recipe)


def resumable_runs(folder: Path) -> dict[str, Recipe]:
    """Return the recipes of the runs in a folder, by the runs' names, which train a style."""
    recipes = {}
    for path in sorted(folder.glob("*/recipe.yaml")):
        with suppress(RecipeError):  # of another kind of training, or damaged
            recipe = Recipe.parse(read_recipe(path), source=path.parent.name)
            if recipe.folder.resolve() == path.parent.resolve():
                recipes[path.parent.name] = recipe
    return recipes
