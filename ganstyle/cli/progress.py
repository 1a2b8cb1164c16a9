"""Printing a run's events on the console."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from ganstyle.training import Event


_INTERVAL = 2.0  # seconds


class Ticker:
    """Prints lines of progress, at most one every two seconds."""

    def __init__(self) -> None:
        self._printed = time.monotonic()

    def __call__(self, text: str) -> None:
        """Print the line if it is time for one."""
        if time.monotonic() - self._printed >= _INTERVAL:
            self._printed = time.monotonic()
            typer.echo(text)


def printer(shown: Mapping[str, str]) -> "Callable[[Event], None]":
    """Return a function that prints events.

    Args:
        shown: which of a step's values to print, by their TensorBoard names, and what to call them.
    """
    from ganstyle.training import Message, Progress, Saved, Scored

    def show(event: "Event") -> None:
        match event:
            case Progress():
                width = len(str(event.steps))
                losses = "".join(
                    f"  {label} {event.values[name]:.4f}"
                    for name, label in shown.items()
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
            case Message():
                typer.echo(event.text)

    return show


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
