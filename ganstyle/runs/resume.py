"""Deciding whether a run starts, continues or must not touch its folder."""

from collections.abc import Callable
from pathlib import Path

from ganstyle.errors import RunError
from ganstyle.files import atomic_write
from ganstyle.recipe import RunRecipe, differences
from ganstyle.runs.state import newest_state

# What may change between two parts of one run: none of it decides how the style comes out.
_FREE = ("resume", "run", "score", "workers")


def find_state(recipe: RunRecipe, note: Callable[[str], None]) -> Path | None:
    """Return the saved state that this run continues from, or None for a fresh start.

    Raises:
        RunError: the folder holds a run of another recipe, or one that must not be continued, or the state
            that was asked for does not exist.
    """
    states = recipe.folder / "checkpoints"
    kept = recipe.folder / "recipe.yaml"
    if recipe.resume not in ("auto", "never"):
        state = Path(recipe.resume)
        if not state.is_dir():
            raise RunError(f"{state}: no such training state to resume from; see {states}")
        if kept.exists() and states.resolve() not in state.resolve().parents:
            raise RunError(f"{recipe.folder}: holds a run already; choose another name to continue {state}")
        return state
    if not kept.exists() or not any(states.glob("step-*")):
        return None
    if recipe.resume == "never":
        raise RunError(f"{recipe.folder}: holds a run already; choose another name, or set resume=auto")
    changed = differences(type(recipe).load(kept), recipe, ignore=_FREE)
    if changed:
        raise RunError(
            f"{recipe.folder}: holds a run of another recipe ({'; '.join(changed)}); choose another name, "
            "or take these back to continue it"
        )
    return newest_state(states, note)


def keep_recipe(recipe: RunRecipe) -> None:
    """Write the recipe into the run's folder, which claims the folder for it."""
    with atomic_write(recipe.folder / "recipe.yaml") as temporary:
        temporary.write_text(recipe.to_yaml(), encoding="utf-8")
