"""Helpers that several commands share."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from ganstyle.cli.progress import tell

if TYPE_CHECKING:
    import torch

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C or the like ended before its time, as in a shell."""


def report_skipped(problems: Sequence[str]) -> None:
    """Print a line to standard error for each thing that was left out."""
    for problem in problems:
        tell(f"ganstyle: skipped: {problem}", err=True)


def end_training(finished: bool) -> None:
    """Leave with the code of an interruption if a training was stopped before its end."""
    if not finished:
        raise typer.Exit(INTERRUPTED)


def is_given(context: typer.Context, name: str) -> bool:
    """Return whether a parameter, by its name in Python, was given to the command."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def pick_precision(name: str, device: "torch.device") -> "torch.dtype":
    """Return what the feature network computes in: ``auto`` is bf16 where the device has it natively.

    Raises:
        GanstyleError: it is none of auto, fp32 and bf16.
    """
    import torch

    from ganstyle.devices import fast_dtype
    from ganstyle.errors import GanstyleError

    if name == "auto":
        return fast_dtype(device)
    if name not in ("fp32", "bf16"):
        raise GanstyleError(f"precision '{name}': give auto, fp32 or bf16")
    return torch.bfloat16 if name == "bf16" else torch.float32
