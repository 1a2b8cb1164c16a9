"""``ganstyle fit``: a style of one's own painting within minutes."""

from pathlib import Path
from typing import Annotated

import typer

from ganstyle.cli.common import INTERRUPTED
from ganstyle.cli.outputs import check_outputs
from ganstyle.cli.progress import Quiet, printer, tell
from ganstyle.cli.train import SHOWN


def fit(
    painting: Annotated[
        Path, typer.Argument(metavar="PAINTING", help="The painting's image file.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="The style; PAINTING.safetensors if not given."),
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="A folder of photos to train on. Default: an example photo and the painting itself.",
        ),
    ] = None,
    minutes: Annotated[float, typer.Option(metavar="N", help="How long to train; 0: not at all.")] = 2.0,
    runs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder for runs; runs/fit if not given.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the style if it exists.")] = False,
    quiet: Quiet = False,
) -> None:
    """Make a style of one painting and train it for some minutes.

    --minutes 0 takes some seconds and trains nothing; every minute makes it better. Ctrl-C ends the
    training early and keeps the best style so far; the same command then trains on.
    """
    from ganstyle.recipe.run import name_from_file
    from ganstyle.training.fit import fit as run
    from ganstyle.training.fit import is_unfinished

    output = Path(f"{name_from_file(painting)}.safetensors") if output is None else output
    # One that goes on can only get better.
    goes_on = minutes > 0 and is_unfinished(painting, output, photos=photos, runs=runs)
    check_outputs(saved=output, force=force or goes_on)
    fitted = run(painting, output, photos=photos, minutes=minutes, runs=runs, on_event=printer(SHOWN))
    steps = f"after {fitted.steps} steps" if fitted.steps else "without training"
    if fitted.steps and not fitted.trained:
        steps = f"without training, as {fitted.steps} steps have not made it better"
    tell(f"{fitted.path}: the style {steps}; use it: ganstyle stylize PHOTO -s {fitted.path} -o out")
    if not fitted.finished:
        raise typer.Exit(INTERRUPTED)
