"""``ganstyle train-any``: from photos and paintings to a generator for any painting."""

from typing import Annotated

import typer

from ganstyle.cli.common import end_training
from ganstyle.cli.progress import Quiet, printer
from ganstyle.cli.recipes import complete_recipe

_SHOWN = {
    "loss/content": "content",
    "loss/style": "style",
    "loss/style_median": "median",
    "loss/discriminator": "D",
}


def train_any(
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE",
            help="A shipped recipe, such as any/lean, or a YAML file.",
            autocompletion=complete_recipe,
        ),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]", help="Override the recipe: content.path=PHOTOS style.path=PAINTINGS …"
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Train a generator for any painting; run it again to continue.

    It learns from pairs of photos and paintings, and can then paint in the style of any painting. Set
    GANSTYLE_ANY to the run's style.safetensors to use it in the other commands.
    """
    from ganstyle.arbitrary import AnyRecipe
    from ganstyle.arbitrary import train_any as run

    end_training(run(AnyRecipe.load(recipe, overrides or []), printer(_SHOWN)).finished)
