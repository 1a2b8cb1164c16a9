"""How many steps fit a time: measured on this machine, with the recipe's own networks and phases."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from ganstyle.errors import CheckpointError
from ganstyle.recipe import PhaseSection, Recipe
from ganstyle.runs.state import steps_done
from ganstyle.style import load_style
from ganstyle.training.measurement import measure_phases

_SAFETY = 0.9  # of the time left: saving and samples take the rest
_MOST_STEPS = 1_000_000


def fit_to_time(
    recipe: Recipe,
    seconds: float,
    say: Callable[[str], None] = lambda text: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Recipe:
    """Return the recipe with a number of steps that fits the time, and with ten sample grids on the way.

    A run that was stopped keeps its plan. One that has finished gets as much longer as fits.

    Args:
        recipe: of the run; its folder may hold a part of it.
        seconds: in which the training should end, measuring included.
        say: told what happens.
        stopped: says whether measuring was interrupted; then, and after Ctrl-C, the recipe's steps stay.

    Raises:
        GanstyleError: see ``train``.
    """
    began = time.monotonic()
    done = steps_done(recipe.folder)
    if 0 < done < recipe.steps:
        return recipe
    speed = _speed_so_far(recipe) if done else 0.0
    if not speed:
        say("measuring the speed …")
        speed = measure_step(recipe, stopped)
    left = seconds - (time.monotonic() - began)
    steps = done + max(1, min(int(_SAFETY * left / speed), _MOST_STEPS)) if speed else recipe.steps
    every = max(1, steps // 10)
    run = {"sample_every": every, "save_every": every, "log_every": max(1, min(steps // 50, 10))}
    say(f"{steps:,} steps fit the time")
    return recipe.model_copy(update={"steps": steps, "run": recipe.run.model_copy(update=run)})


def measure_step(recipe: Recipe, stopped: Callable[[], bool] = lambda: False) -> float:
    """Return the seconds that a step takes, averaged over the recipe's phases; 0 if it was told to stop."""
    phases = recipe.phases or [PhaseSection(until=1.0)]
    measured = measure_phases(recipe.model_copy(update={"workers": 0}), phases, stopped)
    if measured is None:
        return 0.0
    starts = [0.0, *(phase.until for phase in phases)]
    return sum(
        (phase.until - start) * min(found.seconds)
        for start, phase, found in zip(starts, phases, measured, strict=False)
    )


def _speed_so_far(recipe: Recipe) -> float:
    """Return the seconds that each step of the run in the recipe's folder took; 0 if its style is missing."""
    try:
        training: Mapping[str, Any] = load_style(recipe.folder / "style.safetensors").info["training"]
        return float(training["seconds"]) / max(1, int(training["steps"]))
    except (CheckpointError, KeyError, TypeError):
        return 0.0
