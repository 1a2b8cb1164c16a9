"""Deciding whether a run starts, continues, goes back or must not touch its folder.

A run has one line of history: the states in ``checkpoints/`` follow from each other. Where a run goes back to
an earlier one, the later ones are moved to ``checkpoints/abandoned-1/`` and so on, with what was made from
them. Nothing here deletes anything, and nothing overwrites what an earlier run has made.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ganstyle.errors import RecipeError, RunError
from ganstyle.files import atomic_write
from ganstyle.recipe import RunRecipe, differences, settings_since
from ganstyle.recipe.load import read_recipe, rename_keys
from ganstyle.runs.history import move_states_aside, products
from ganstyle.runs.state import check_state, list_states, saved_step, state_step

# What may change between two parts of one run. How the style comes out depends on none of it but the number
# of steps, and of that the run tells.
_FREE = ("format", "guard", "resume", "run", "score", "steps", "workers")
_BEGIN_ANEW = "choose another name, or move the folder away to start over"

Say = Callable[[str], None]


def find_state(recipe: RunRecipe, say: Say) -> Path | None:
    """Return the saved state that this run continues from, or None for a fresh start; nothing is changed yet.

    Args:
        recipe: of the run.
        say: told in one line of everything that is not as the last start left it.

    Raises:
        RunError: the folder holds a run of another recipe, or one that cannot be continued, or the state that
            was asked for does not exist or is damaged.
    """
    if recipe.run.dir.startswith("~"):
        raise RunError(
            f"run.dir {recipe.run.dir}: there is no such user; write ./{recipe.run.dir} for a folder"
        )
    last = _last_recipe(recipe, say)
    if recipe.resume in ("auto", "never"):
        state = _continue(recipe, last, say) if _holds_a_run(recipe.folder) else None
    else:
        state = _explicit_state(recipe, last, say)
    if state is not None:
        _check_steps(recipe, last, state, say)
        _tell_new_settings(recipe, state, say)
    return state


def claim_folder(recipe: RunRecipe, resume_from: Path | None, say: Say) -> None:
    """Make the run's folder that of this recipe and of the history that ends with ``resume_from``.

    The main process alone calls it, holding the folder's lock, once nothing else can fail any more.

    Args:
        recipe: of the run; written as the folder's ``recipe.yaml``.
        resume_from: what `find_state` returned.
        say: told which states are moved aside.
    """
    states = recipe.folder / "checkpoints"
    later = list_states(states)
    if resume_from is not None and any(_same(resume_from, state) for state in later):
        later = [state for state in later if state_step(state) > saved_step(resume_from)]
    if later:
        done = 0 if resume_from is None else saved_step(resume_from)
        aside = move_states_aside(recipe.folder, later, step=done)
        names = ", ".join(state.name for state in reversed(later))
        say(f"{states}: {names} will not be continued; moved to {aside}")
    kept = recipe.folder / "recipe.yaml"
    if recipe.resume == "auto" and kept.exists():
        # Where the run began: the command that began it must still continue it.
        origin = Path(_parse(recipe, kept).resume)
        if resume_from is not None and not _inside(states, origin):
            recipe = recipe.model_copy(update={"resume": str(origin)})
    with atomic_write(kept) as temporary:
        temporary.write_text(recipe.to_yaml(), encoding="utf-8")


def how_to_continue(recipe: RunRecipe) -> str:
    """Say what continues an interrupted run."""
    if recipe.resume == "never":
        return "the same command with resume=auto continues from there"
    return "the same command continues from there"


def is_own_state(recipe: RunRecipe, state: Path) -> bool:
    """Say whether a state is one of the run's own, not of the run that it was begun from."""
    return _inside(recipe.folder / "checkpoints", state)


def _continue(recipe: RunRecipe, last: RunRecipe | None, say: Say) -> Path:
    """Find the newest state of the folder's run."""
    folder, states = recipe.folder, recipe.folder / "checkpoints"
    if recipe.resume == "never":
        raise RunError(f"{folder}: holds a run already; choose another name, or set resume=auto")
    saved = list_states(states)
    if not saved:
        raise RunError(
            f"{folder}: holds {products(folder)[0].name} but no training state to continue from; "
            f"{_BEGIN_ANEW}"
        )
    if last is None:
        raise RunError(
            f"{folder}: holds no recipe.yaml, and none of its {len(saved)} training states is whole; "
            f"{_BEGIN_ANEW}"
        )
    changed = differences(last, recipe, ignore=_FREE)
    if changed:
        raise RunError(
            f"{folder}: holds a run of another recipe ({'; '.join(changed)}); choose another name, "
            "or take these back to continue it"
        )
    torn: list[str] = []
    for state in saved:
        problem = check_state(state)
        if problem is None:
            for line in torn:
                say(f"{line}; the state before it is used")
            return state
        torn.append(f"{state}: {problem}")
    raise RunError(f"none of the {len(saved)} saved states is whole ({'; '.join(torn)}); {_BEGIN_ANEW}")


def _explicit_state(recipe: RunRecipe, last: RunRecipe | None, say: Say) -> Path:
    """Find the state that ``resume`` names, or what this run has made of it since."""
    folder, states, wanted = recipe.folder, recipe.folder / "checkpoints", Path(recipe.resume)
    begun = (
        last is not None and _same(Path(last.resume), wanted) and not differences(last, recipe, ignore=_FREE)
    )
    if begun and list_states(states):
        state = _continue(recipe, last, say)
        if not _same(state, wanted):
            say(f"this run has begun from {wanted} before and continues from {state.name}")
        return state
    if not wanted.is_dir():
        raise RunError(f"{wanted}: no such training state to resume from; see {states}")
    if not begun and not _inside(states, wanted) and _holds_a_run(folder):
        raise RunError(f"{folder}: holds a run already; choose another name to continue {wanted}")
    problem = check_state(wanted)
    if problem is not None:
        known = list_states(wanted) or list_states(wanted / "checkpoints")
        hint = f"; name one of its states, such as {known[0]}" if known else ""
        raise RunError(f"{wanted}: not a training state that can be continued: {problem}{hint}")
    with suppress(RecipeError):  # an older version's, which its state may outlive
        changed = differences(_parse(recipe, wanted / "recipe.yaml"), recipe, ignore=(*_FREE, "name"))
        if changed:
            say(f"{wanted}: is continued with another recipe ({'; '.join(changed)})")
    return wanted


def _check_steps(recipe: RunRecipe, last: RunRecipe | None, state: Path, say: Say) -> None:
    """Tell of a training that was made longer or shorter; refuse one that ends before the state."""
    done = saved_step(state)
    if done > recipe.steps:
        raise RunError(
            f"{state}: has {done} steps already, more than steps={recipe.steps}; set steps={done} or more, "
            f"or go back with resume={state.parent}/step-…"
        )
    before = _written_steps(state) if last is None else last.steps
    if before is not None and before != recipe.steps:
        say(
            f"steps: {before} -> {recipe.steps}; from step {done} on, the learning rate and the phases "
            f"are those of a training of {recipe.steps} steps"
        )


def _written_steps(state: Path) -> int | None:
    """Return the steps in a state's recipe, which may be an older version's; None if unknown."""
    with suppress(RecipeError):
        steps = read_recipe(state / "recipe.yaml").get("steps")
        if isinstance(steps, int):
            return steps
    return None


def _tell_new_settings(recipe: RunRecipe, state: Path, say: Say) -> None:
    """Tell which settings did not exist yet when a state was saved: their defaults may not be what it had."""
    with suppress(RecipeError):  # an older version's, which its state may outlive
        written, _ = rename_keys(read_recipe(state / "recipe.yaml"), recipe.renamed)
        if new := settings_since(written, recipe, ignore=_FREE):
            say(f"{state}: was saved by an older ganstyle, without {', '.join(new)}; these hold from here on")


def _last_recipe(recipe: RunRecipe, say: Say) -> RunRecipe | None:
    """Return the recipe that the folder's run was last started with; None if there is none."""
    kept = recipe.folder / "recipe.yaml"
    if kept.exists():
        return _parse(recipe, kept)
    for state in list_states(recipe.folder / "checkpoints"):
        if check_state(state) is None:
            say(f"{kept}: is missing; that of {state.name} is used")
            return _parse(recipe, state / "recipe.yaml")
    return None


def _parse(recipe: RunRecipe, path: Path) -> RunRecipe:
    """Read a kept recipe; its old spellings are not the user's to change."""
    return type(recipe).parse(read_recipe(path), source=str(path))


def _holds_a_run(folder: Path) -> bool:
    """Say whether there is anything in a folder that a fresh start would overwrite."""
    return bool(list_states(folder / "checkpoints") or products(folder))


def _inside(folder: Path, path: Path) -> bool:
    return folder.resolve() in path.resolve().parents


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()
