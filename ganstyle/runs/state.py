"""What a training is at a given step, and keeping it so that it can be continued to the bit.

A saved state is a folder ``step-000500`` with ``state.pt``, the recipe, and a manifest of their hashes. It
is written under another name and renamed when it is complete, so that a folder with this name is whole
unless the disk has lost something; the hashes find that out. Which of them a run continues from, `resume`
decides.

There is no random state in it. Everything random in a training follows from the seed and from how many
photos have been drawn, which is ``TrainingState.photos``.
"""

import hashlib
import json
import os
import shutil
import warnings
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from torch import nn

from ganstyle._version import __version__
from ganstyle.errors import RunError, one_line
from ganstyle.files import sha256
from ganstyle.recipe import RunRecipe
from ganstyle.runs.launch import same_everywhere
from ganstyle.runs.retry import retry_io
from ganstyle.runs.state_file import read_state_file

FORMAT = 1
"""The version of a saved state's format; version 0.1.0 wrote the same without saying so."""

_STATE, _RECIPE, _MANIFEST = "state.pt", "recipe.yaml", "manifest.json"
_HASHED = (_STATE, _RECIPE)
_LONGEST_MANIFEST = 2**16  # characters


class Resumable(Protocol):
    """What can be continued from a saved state."""

    def load_state_dict(self, accelerator: Accelerator, values: dict[str, Any], /) -> None:
        """Take over the values.

        Raises:
            KeyError, RuntimeError, ValueError: they belong to other networks.
            RunError: it says in one line why they cannot be continued; the state's path is put before it.
        """
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

    The state that ``recipe.resume`` names is never deleted.

    Args:
        folder: the run's ``checkpoints``; the run's folder itself must exist.
        step: steps done.
        values: plain values and tensors.
        recipe: kept with the state.
        keep: at least 1.

    Raises:
        RunError: the disk is full or the folder cannot be written to; older states are untouched.
    """
    final = folder / f"step-{step:06d}"
    temporary = folder / f".{final.name}.tmp"
    try:
        retry_io(lambda: _write_state(temporary, final, step, values, recipe), final, inside=folder.parent)
    except (OSError, RuntimeError) as error:  # torch.save turns a full disk into a RuntimeError
        shutil.rmtree(temporary, ignore_errors=True)
        # torch's own text names a line of its C++ source, not what happened.
        reason = error.strerror if isinstance(error, OSError) else "the disk is full or failed"
        raise RunError(
            f"{final}: the training state cannot be saved ({reason}); free some space, then resume"
        ) from error
    _prune(folder, keep=keep, spared=Path(recipe.resume))
    return final


def list_states(folder: Path) -> list[Path]:
    """Return the folder's states, whole or not, the newest first."""
    return sorted((p for p in folder.glob("step-*") if p.name[5:].isdigit()), key=state_step, reverse=True)


def state_step(state: Path) -> int:
    """Return the step of ``step-000500``."""
    return int(state.name[5:])


def saved_step(state: Path) -> int:
    """Return how many steps were done when a whole state was saved, whatever its current name."""
    step: int = json.loads((state / _MANIFEST).read_text())["step"]
    return step


def steps_done(run: Path) -> int:
    """Return how many steps the newest whole state in a run's folder has behind it; 0 if there is none.

    Raises:
        RunError: see `check_state`.
    """
    whole = (state for state in list_states(run / "checkpoints") if check_state(state) is None)
    newest = next(whole, None)
    return saved_step(newest) if newest else 0


def check_state(state: Path) -> str | None:
    """Return what is wrong with a saved state, or None.

    Raises:
        RunError: it cannot be read at the moment, or only by a newer ganstyle; it may well be whole.
    """
    try:
        return retry_io(lambda: _find_damage(state), state)
    except FileNotFoundError as error:
        return f"incomplete ({' '.join(str(error).split())})"
    except OSError as error:
        raise RunError(f"{state}: cannot be read ({error.strerror}); try again when it can") from error


def load_state(folder: Path, state: Resumable, accelerator: Accelerator) -> None:
    """Continue from a saved state.

    Raises:
        RunError: it is incomplete, damaged, belongs to other networks, or ``state`` refuses it.
    """
    problem = check_state(folder)
    if problem is None:
        try:
            values = retry_io(lambda: read_state_file(folder / _STATE), folder)
        except ValueError as error:
            problem = one_line(error, 200)
    if problem is None:
        try:
            state.load_state_dict(accelerator, values)
            return
        except RunError as error:
            raise RunError(f"{folder}: {error}") from error
        except (KeyError, RuntimeError, ValueError, TypeError, AttributeError) as error:
            problem = f"it belongs to other networks ({one_line(error, 200)})"
    raise RunError(f"{folder}: not a training state that can be continued: {problem}")


def _write_state(temporary: Path, final: Path, step: int, values: dict[str, Any], recipe: RunRecipe) -> None:
    folder = final.parent
    folder.mkdir(exist_ok=True)
    for leftover in folder.glob(".step-*.tmp"):  # of a process that was killed while it saved
        shutil.rmtree(leftover)
    temporary.mkdir()
    with (temporary / _STATE).open("wb") as file:
        torch.save(values, file)
    (temporary / _RECIPE).write_text(recipe.to_yaml(), encoding="utf-8")
    hashes = {name: sha256(temporary / name) for name in _HASHED}
    manifest = {"format": FORMAT, "ganstyle": __version__, "step": step, "sha256": hashes}
    (temporary / _MANIFEST).write_text(json.dumps(manifest, indent=2))
    for path in (*temporary.iterdir(), temporary):
        _sync(path)
    replaced = folder / f".{final.name}.old.tmp"
    if final.exists():  # the same step, saved once more
        final.rename(replaced)
    temporary.rename(final)
    shutil.rmtree(replaced, ignore_errors=True)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _prune(folder: Path, *, keep: int, spared: Path) -> None:
    """Delete the oldest states; what cannot be deleted only takes up space."""
    try:
        for old in list_states(folder)[keep:]:
            if not (spared.exists() and spared.samefile(old)):
                leaving = folder / f".{old.name}.tmp"  # so that a state is never there in part
                old.rename(leaving)
                shutil.rmtree(leaving)
    except OSError as error:
        warnings.warn(
            f"{folder}: an old state cannot be deleted ({error.strerror})", RuntimeWarning, stacklevel=2
        )


def _find_damage(state: Path) -> str | None:
    """See `check_state`; OSError if a file is missing or cannot be read."""
    try:
        with (state / _MANIFEST).open(encoding="utf-8") as file:
            manifest = json.loads(file.read(_LONGEST_MANIFEST))
        form, hashes = manifest.get("format", 1), manifest["sha256"]
        expected = {name: hashes[name] for name in _HASHED}
        if not isinstance(manifest["step"], int) or isinstance(manifest["step"], bool):
            return f"{_MANIFEST} is damaged (step is no number)"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return f"{_MANIFEST} is damaged ({one_line(error, 200)})"
    if form != FORMAT:
        raise RunError(
            f"{state}: a training state of format {form}, of a newer ganstyle; upgrade to continue it"
        )
    for name, digest in expected.items():
        if sha256(state / name) != digest:
            return f"{name} is damaged (its SHA-256 is not the manifest's)"
    return None
