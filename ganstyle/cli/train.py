"""``ganstyle train``: from a recipe to a style."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ganstyle.cli.common import end_training
from ganstyle.cli.dry_run import print_training
from ganstyle.cli.progress import Quiet, printer
from ganstyle.cli.recipes import complete_recipe
from ganstyle.errors import RecipeError
from ganstyle.shipped import DEFAULT_RECIPE

# What the console shows of a step, and how it is called there; TensorBoard has everything.
SHOWN = {
    "loss/content": "content",
    "loss/style": "style",
    "loss/adversarial": "adversarial",
    "loss/discriminator": "D",
}


def train(
    recipe: Annotated[
        str | None,
        typer.Argument(
            metavar="RECIPE",
            help="A shipped recipe (see ganstyle recipes), or a YAML file.",
            autocompletion=complete_recipe,
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]", help="Override the recipe: steps=200 loss.style=10 …"),
    ] = None,
    painting: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="One painting, or a folder of paintings: style.path."),
    ] = None,
    photos: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A folder of photos: content.path.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would happen and how long it would take; train nothing."),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Train a style; run it again to continue where it stopped.

    Without RECIPE, --painting and --photos are enough: the default recipe is used, and the run is called like
    the painting. For several GPUs or machines: accelerate launch -m ganstyle train RECIPE [KEY=VALUE]...
    """
    from ganstyle.recipe import Recipe
    from ganstyle.training import train as run

    name, given = choose_recipe(recipe, overrides or [], painting, photos)
    loaded = Recipe.load(name, given)
    if dry_run:
        from ganstyle.training.forecast import forecast_training

        print_training(loaded, forecast_training(loaded))
        return
    end_training(run(loaded, printer(SHOWN)).finished)


def choose_recipe(
    recipe: str | None, overrides: Sequence[str], painting: Path | None, photos: Path | None
) -> tuple[str, list[str]]:
    """Return the recipe's name or path, and what overrides it.

    Raises:
        RecipeError: there is neither a recipe nor both a painting and photos.
    """
    given = list(overrides)
    if recipe is not None and "=" in recipe and not Path(recipe).is_file():
        given.insert(0, recipe)
        recipe = None
    paths = {"style.path": painting, "content.path": photos}
    given[:0] = [f"{key}={json.dumps(str(path))}" for key, path in paths.items() if path is not None]
    if recipe is None:
        from ganstyle.recipe.run import name_from_file

        if painting is None or photos is None:
            raise RecipeError(
                "name a recipe (see: ganstyle recipes), or give --painting PATH and --photos DIR"
            )
        recipe = DEFAULT_RECIPE
        given.insert(0, f"name={json.dumps(name_from_file(painting))}")
    return recipe, given
