"""``ganstyle train``: from a recipe to a style."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ganstyle.training import Event

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
    from ganstyle.recipe import load_recipe
    from ganstyle.training import train as run

    run(load_recipe(recipe, overrides or []), _print)


def _print(event: "Event") -> None:
    from ganstyle.training import Note, Progress, Saved, Scored

    match event:
        case Progress():
            width = len(str(event.steps))
            losses = "".join(
                f"  {label} {event.values[name]:.4f}"
                for name, label in _SHOWN.items()
                if name in event.values
            )
            typer.echo(
                f"step {event.step:{width}}/{event.steps}  {event.images_per_second:.1f} img/s{losses}"
                f"  ETA {_clock(event.eta_seconds)}"
            )
        case Saved():
            typer.echo(f"saved {event.path}")
        case Scored():
            scores = "  ".join(f"{name} {value:.4f}" for name, value in event.scores.items())
            typer.echo(f"scored at step {event.step}: {scores}")
        case Note():
            typer.echo(event.text)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
