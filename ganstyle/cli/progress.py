"""The one way in which commands speak of their progress.

On a terminal, a job has one line that is rewritten in place; what stays is written above it. Into a pipe or a
file go plain lines, a few of them. With ``--quiet`` only errors, warnings and results are printed.
"""

import shutil
import sys
import time
import unicodedata
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from ganstyle.cli.paths import current_invocation
from ganstyle.errors import one_line

if TYPE_CHECKING:
    from ganstyle.training import Event

INTERVAL = 2.0
"""Seconds between two plain lines."""

Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print errors, warnings and results only.")]
"""The option of every long command; it takes effect by being declared."""


class ProgressLine:
    """The line of a job on a terminal; elsewhere at most one plain line every two seconds.

    Args:
        unit: what the rate counts, such as ``photos``.
    """

    def __init__(self, unit: str = "steps") -> None:
        self._unit = unit
        self._printed = self._began = time.monotonic()
        self._first: int | None = None
        current_invocation().cleanup.callback(clear_line)

    def __call__(self, text: str, done: int = 0, total: int = 0, *, always: bool = False) -> None:
        """Show the progress.

        Args:
            text: what is being done.
            done: how much of it; with ``total``, rate and time left are added on a terminal.
            total: of how much; 0: unknown.
            always: print a plain line, however short ago the last one was.
        """
        invocation, text = current_invocation(), one_line(text)
        now = time.monotonic()
        if invocation.quiet:
            return
        if sys.stdout.isatty():
            width = shutil.get_terminal_size().columns - 1
            # To the start of the line, and clear it.
            sys.stdout.write("\r\x1b[2K" + _fit(text + self._pace(done, total, now), width))
            sys.stdout.flush()
            invocation.has_open_line = True
        elif always or now - self._printed >= INTERVAL:
            self._printed = now
            typer.echo(text)

    def _pace(self, done: int, total: int, now: float) -> str:
        """Return rate and time left since the first call, which a job's preparation came before."""
        if self._first is None or done < self._first:
            self._first, self._began = done, now
        if not total or done <= self._first or now <= self._began:
            return ""
        rate = (done - self._first) / (now - self._began)
        return f"  {rate:.1f} {self._unit}/s  ETA {clock((total - done) / rate)}"


def tell(text: str, *, err: bool = False) -> None:
    """Print a line that stays, unless ``--quiet`` was given.

    Args:
        text: the line.
        err: to standard error, ``--quiet`` or not.
    """
    if err or not current_invocation().quiet:
        clear_line()
        typer.echo(one_line(text), err=err)


def clear_line() -> None:
    """Remove the progress line, so that something else can be printed."""
    invocation = current_invocation()
    if invocation.has_open_line:
        invocation.has_open_line = False
        sys.stdout.write("\r\x1b[2K")
        sys.stdout.flush()


def printer(shown: Mapping[str, str]) -> "Callable[[Event], None]":
    """Return a function that prints the events of a training.

    Args:
        shown: which of a step's values to print, by their TensorBoard names, and what to call them.
    """
    from ganstyle.training import Message, Progress, Saved, Scored

    line = ProgressLine()

    def show(event: "Event") -> None:
        match event:
            case Progress():
                width = len(str(event.steps))
                losses = "".join(
                    f"  {label} {event.values[name]:.4f}"
                    for name, label in shown.items()
                    if name in event.values
                )
                line(
                    f"step {event.step:{width}}/{event.steps}  {event.images_per_second:.1f} img/s{losses}"
                    f"  ETA {clock(event.eta_seconds)}",
                    always=True,
                )
            case Saved():
                tell(f"saved {event.path}")
            case Scored():
                scores = "  ".join(f"{name} {value:.4f}" for name, value in event.scores.items())
                tell(f"scored at step {event.step}: {scores}")
            case Message():
                tell(event.text)

    return show


def _fit(text: str, columns: int) -> str:
    """Cut a text to its place on a terminal, where a Chinese letter, for one, takes two columns."""
    for place, letter in enumerate(text):
        columns -= 2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1
        if columns < 0:
            return text[:place]
    return text


def clock(seconds: float) -> str:
    """Write a time as minutes and seconds, and hours if there are any."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
