"""The command line. Each command parses, calls one function of the library, and prints.

Nothing heavy is imported here: torch and the like load inside the command that needs them.
"""

import os
import sys
import warnings
from typing import Annotated, Any, TextIO

import typer
from typer.core import TyperGroup

from ganstyle._version import __version__
from ganstyle.cli.average import average
from ganstyle.cli.common import INTERRUPTED
from ganstyle.cli.compare import compare
from ganstyle.cli.demo import demo
from ganstyle.cli.distill import distill
from ganstyle.cli.doctor import doctor
from ganstyle.cli.evaluate import evaluate
from ganstyle.cli.export import export
from ganstyle.cli.fit import fit
from ganstyle.cli.gui import gui
from ganstyle.cli.optimize import optimize
from ganstyle.cli.optimizers import optimizers
from ganstyle.cli.paths import with_paths
from ganstyle.cli.progress import tell
from ganstyle.cli.push import push
from ganstyle.cli.recipes import recipes
from ganstyle.cli.styles import styles
from ganstyle.cli.stylize import stylize
from ganstyle.cli.train import train
from ganstyle.cli.train_any import train_any
from ganstyle.cli.video import video
from ganstyle.errors import GanstyleError, one_line


class _OneLineErrors(TyperGroup):
    """Reports errors that a user can fix in one line, with exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (BrokenPipeError, typer.Abort, typer.Exit):  # of a broken pipe, click leaves quietly
            raise
        except KeyboardInterrupt:
            if ctx.params["debug"]:
                raise
            typer.echo("ganstyle: interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except (GanstyleError, OSError) as error:
            if ctx.params["debug"]:
                raise
            typer.echo(f"{_signature()}: {one_line(error)}", err=True)
            raise typer.Exit(2) from error
        except (RuntimeError, MemoryError) as error:
            if ctx.params["debug"] or not _is_out_of_memory(error):
                raise
            advice = "not enough memory; give smaller sizes, or another --device"
            typer.echo(f"{_signature()}: {advice}", err=True)
            raise typer.Exit(2) from error


def _signature() -> str:
    """Return who reports an error: of several processes launched together, each says which it is."""
    rank = os.environ.get("RANK", "0")
    return "ganstyle" if rank == "0" else f"ganstyle (rank {rank})"


def _is_out_of_memory(error: BaseException) -> bool:
    from ganstyle.devices import is_out_of_memory

    return is_out_of_memory(error)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"ganstyle {__version__}")
        raise typer.Exit


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show a warning in one line, without the place in the source, which means nothing to a user."""
    tell(f"ganstyle: warning: {message}", err=True)


app = typer.Typer(
    cls=_OneLineErrors,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _main(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show a traceback when something goes wrong.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """GAN-based style transfer: train a style on a painting, turn photos into paintings."""
    if not debug:
        warnings.showwarning = _warn


for command in (
    train,
    train_any,
    fit,
    stylize,
    video,
    evaluate,
    export,
    average,
    compare,
    optimize,
    optimizers,
    distill,
    push,
    gui,
    demo,
    styles,
    doctor,
):
    app.command()(with_paths(command))
app.add_typer(recipes, name="recipes")


def main() -> None:
    """Run the command line; the entry point of the console script."""
    # A terminal that cannot show a character must not turn a good result into an error.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="replace")
    try:
        app()
    finally:
        from ganstyle.runs.signals import ignore_stop_signals

        # The exit code is known; a second Ctrl-C, meant for the work that has ended, must not replace it.
        ignore_stop_signals()
