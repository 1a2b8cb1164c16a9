"""``ganstyle distill``: a small network that stands in for VGG-16."""

from typing import Annotated

import typer

from ganstyle.cli.common import end_training
from ganstyle.cli.progress import Quiet, printer

_SHOWN = {"loss/features": "features", "loss/gram": "gram", "gradient/student": "gradient"}


def distill(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A shipped recipe, such as distill/vgg16, or a YAML file.")
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]", help="Override the recipe: steps=200 style.path=DIR …"),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Distill VGG-16 into a small network; run it again to continue."""
    from ganstyle.distill import DistillationRecipe
    from ganstyle.distill import distill as run

    end_training(run(DistillationRecipe.load(recipe, overrides or []), printer(_SHOWN)).finished)
