"""Moving aside what belongs to a part of a run's history that is not continued.

It goes to ``checkpoints/abandoned-1/`` and so on; nothing is deleted.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from safetensors import SafetensorError

from ganstyle.errors import RunError
from ganstyle.weights.checkpoint_file import open_checkpoint, parse_metadata

BEST = "best.safetensors"
"""A run's best output, in the run's folder."""

_ABANDONED = "abandoned-"


def products(folder: Path) -> list[Path]:
    """Return what a run's folder holds of outputs."""
    return sorted(folder.glob("*.safetensors"), reverse=True)


def move_states_aside(folder: Path, states: Sequence[Path], *, step: int) -> Path:
    """Move states aside, and copy what was made from them; return where to.

    Args:
        folder: the run's.
        states: newest first.
        step: where the history that goes on ends. A best output of a later step moves, too.

    Raises:
        RunError: they cannot be moved.
    """
    aside = _next(folder)
    try:
        aside.mkdir()
        for product in (*products(folder), folder / "scores.jsonl"):
            if product.exists():
                shutil.copy2(product, aside / product.name)
        if _is_later(folder / BEST, step):
            (folder / BEST).unlink()
        for state in states:
            state.rename(aside / state.name)
    except OSError as error:
        raise RunError(f"{aside}: the later states cannot be moved there ({error.strerror})") from error
    return aside


def move_best_aside(best: Path, *, step: int) -> Path | None:
    """Move a best output of a later step than ``step`` aside; return where to, or None if there is none.

    Args:
        best: its file, in the run's folder.
        step: where the history that goes on ends.

    Raises:
        OSError: it cannot be moved.
    """
    if not _is_later(best, step):
        return None
    aside = _next(best.parent)
    aside.mkdir(parents=True)
    return best.rename(aside / best.name)


def output_step(path: Path) -> int | None:
    """Return the step at which an output was made; None if its file does not say."""
    try:
        with open_checkpoint(path) as file:
            step = parse_metadata(file.metadata["info"], dict)["training"]["steps"]
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RuntimeError):
        return None
    return step if isinstance(step, int) else None


def _is_later(output: Path, step: int) -> bool:
    """Say whether an output is known to be of a later step."""
    return (output_step(output) or 0) > step


def _next(folder: Path) -> Path:
    number = 1
    while (aside := folder / "checkpoints" / f"{_ABANDONED}{number}").exists():
        number += 1
    return aside
