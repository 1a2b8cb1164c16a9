"""``ganstyle train``: from a recipe to a style."""

from pathlib import Path
from typing import Annotated

import typer

from ganstyle.cli.progress import printer

# What the console shows of a step, and how it is called there; TensorBoard has everything.
_SHOWN = {
    "loss/content": "content",
    "loss/style": "style",
    "loss/adversarial": "adversarial",
    "loss/discriminator": "D",
}


def train(
    recipe: Annotated[
        Path, typer.Argument(metavar="RECIPE", help="A YAML file, such as recipes/quickstart.yaml.")
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]", help="Override the recipe: steps=200 loss.style=10 …"),
    ] = None,
) -> None:
    """Train a style; run again, it continues where it stopped.

    For several GPUs or machines: accelerate launch -m ganstyle train RECIPE [KEY=VALUE]...
    """
    from ganstyle.recipe import Recipe
    from ganstyle.training import train as run

    run(Recipe.load(recipe, overrides or []), printer(_SHOWN))
