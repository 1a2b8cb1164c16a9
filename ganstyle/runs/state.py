"""What a training is at a given step, and keeping it so that it can be continued to the bit.

A saved state is a folder ``step-000500`` with ``state.pt``, the recipe, and a manifest of their hashes. It
is written under another name and renamed when it is complete, so that a folder with this name is whole
unless the disk has lost something; the hashes find that out.

There is no random state in it. Everything random in a training follows from the seed and from how many
photos have been drawn, which is ``TrainingState.photos``.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from torch import nn

from ganstyle.errors import RunError
from ganstyle.files import sha256
from ganstyle.recipe import RunRecipe
from ganstyle.runs.launch import same_everywhere

_STATE, _RECIPE, _MANIFEST = "state.pt", "recipe.yaml", "manifest.json"


class Resumable(Protocol):
    """What can be continued from a saved state."""

    def load_state_dict(self, accelerator: Accelerator, values: dict[str, Any], /) -> None:
        """Take over the values; KeyError, RuntimeError or ValueError if they belong to other networks."""
        ...


def check_agreement(accelerator: Accelerator, network: nn.Module, step: int) -> None:
    """Make sure that every process holds the same weights, to the bit. All processes call it together.

    Raises:
        RunError: they have drifted apart, which no training survives.
    """
    digest = hashlib.sha256()
    for weight in accelerator.unwrap_model(network).parameters():
        digest.update(weight.detach().cpu().numpy().tobytes())
    if not same_everywhere(accelerator, digest.digest()):
        raise RunError(
            f"the processes' weights differ at step {step}; resume from the last saved state with the "
            "same version of torch and the same kind of hardware for every process"
        )


def save_state(folder: Path, step: int, values: dict[str, Any], recipe: RunRecipe, *, keep: int) -> Path:
    """Write a state as ``folder/step-…``, then delete all but the newest ``keep`` ones.

    Raises:
        RunError: the disk is full or the folder cannot be written to; older states are untouched.
    """
    final = folder / f"step-{step:06d}"
    temporary = folder / f".{final.name}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob(".step-*.tmp"):  # of a process that was killed while it saved
            shutil.rmtree(leftover)
        temporary.mkdir()
        torch.save(values, temporary / _STATE)
        (temporary / _RECIPE).write_text(recipe.to_yaml(), encoding="utf-8")
        hashes = {name: sha256(temporary / name) for name in (_STATE, _RECIPE)}
        (temporary / _MANIFEST).write_text(json.dumps({"step": step, "sha256": hashes}, indent=2))
        for file in temporary.iterdir():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
        if final.exists():  # a torn state, passed over when the run was resumed
            shutil.rmtree(final)
        temporary.replace(final)
        for old in _states(folder)[keep:]:
            shutil.rmtree(old)
    except (OSError, RuntimeError) as error:  # torch.save turns a full disk into a RuntimeError
        shutil.rmtree(temporary, ignore_errors=True)
        # torch's own text names a line of its C++ source, not what happened.
        reason = error.strerror if isinstance(error, OSError) else "the disk is full or failed"
        raise RunError(
            f"{final}: the training state cannot be saved ({reason}); free some space, then resume"
        ) from error
    return final


def newest_state(folder: Path, on_torn: Callable[[str], None]) -> Path | None:
    """Return the newest complete state in ``folder``; ``on_torn`` is told of each that is passed over."""
    for state in _states(folder):
        problem = check_state(state)
        if problem is None:
            return state
        on_torn(f"{state}: {problem}; the state before it is used")
    return None


def check_state(state: Path) -> str | None:
    """Return what is wrong with a saved state, or None."""
    try:
        manifest = json.loads((state / _MANIFEST).read_text())
        for name, expected in manifest["sha256"].items():
            if sha256(state / name) != expected:
                return f"{name} is damaged (its SHA-256 is not the manifest's)"
    except (OSError, ValueError, KeyError) as error:
        return f"incomplete ({' '.join(str(error).split())})"
    return None


def load_state(folder: Path, state: Resumable, accelerator: Accelerator) -> None:
    """Continue from a saved state.

    Raises:
        RunError: it is incomplete, damaged, or belongs to other networks.
    """
    problem = check_state(folder)
    if problem is None:
        try:
            values = torch.load(folder / _STATE, map_location="cpu", weights_only=True)
            state.load_state_dict(accelerator, values)
            return
        except (UnpicklingError, EOFError) as error:
            problem = str(error).partition("\n")[0]
        except (KeyError, RuntimeError, ValueError) as error:
            problem = f"it belongs to other networks ({' '.join(str(error).split())[:200]})"
    raise RunError(f"{folder}: not a training state that can be continued: {problem}")


def _states(folder: Path) -> list[Path]:
    """Return the folder's states, the newest first."""
    return sorted((p for p in folder.glob("step-*") if p.name[5:].isdigit()), key=_step, reverse=True)


def _step(state: Path) -> int:
    return int(state.name[5:])
