"""Experiment trackers besides TensorBoard, such as MLflow and Weights & Biases, through Accelerate.

Each is imported only where a recipe names it. What it needs (an account, a server) it takes from its own
environment variables and files.
"""

import warnings
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from ganstyle.errors import MissingExtraError, RunError, one_line
from ganstyle.recipe import RunRecipe, flatten

_PROJECT = "ganstyle"  # what the trackers call the group of all runs
_RUN_NAME = {"mlflow": "run_name", "wandb": "name", "clearml": "task_name", "swanlab": "experiment_name"}
_RUN_NAME |= {"trackio": "name"}  # the keyword by which a tracker takes the run's own name


def check_trackers(names: Sequence[str]) -> None:
    """Make sure that trackers are installed, without importing any.

    Raises:
        MissingExtraError: one is not.
    """
    for name in names:
        if find_spec(name) is None:
            raise MissingExtraError(
                f"'run.trackers': {name} is not installed; run: pip install {name.replace('_', '-')}"
            )


class ExternalTrackers:
    """The trackers of a run besides TensorBoard, on the main process.

    A tracker that fails later on, such as without a network, is dropped with a warning: it must not end the
    training.

    Args:
        names: as in ``run.trackers``; ``tensorboard`` is left out.
        recipe: its keys become the run's parameters.

    Raises:
        RunError: a tracker cannot be started.
    """

    def __init__(self, names: Sequence[str], recipe: RunRecipe) -> None:
        self._trackers: dict[str, Any] = {}
        for name in names:
            if name == "tensorboard":
                continue
            try:
                self._trackers[name] = _start(name, recipe)
            except Exception as error:  # each has its own
                reason = one_line(error, 200)
                raise RunError(
                    f"'run.trackers': {name} cannot be started ({reason}); set it up, or leave it out"
                ) from error

    def values(self, step: int, values: Mapping[str, float]) -> None:
        """Add a point to each named curve."""
        for name in list(self._trackers):
            self._attempt(name, "log", dict(values), step=step)

    def close(self) -> None:
        """End the run in each tracker."""
        for name in list(self._trackers):
            self._attempt(name, "finish")
        self._trackers.clear()

    def _attempt(self, name: str, method: str, *arguments: object, **keywords: object) -> None:
        try:
            getattr(self._trackers[name], method)(*arguments, **keywords)
        except Exception as error:
            del self._trackers[name]
            warnings.warn(
                f"the tracker {name} failed ({one_line(error, 200)}); the training goes on without it",
                RuntimeWarning,
                stacklevel=2,
            )


def _start(name: str, recipe: RunRecipe) -> Any:
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS

    kind = LOGGER_TYPE_TO_CLASS[name]
    keywords = {_RUN_NAME[name]: recipe.name} if name in _RUN_NAME else {}
    if kind.requires_logging_directory:
        keywords["logging_dir"] = recipe.run.dir
    tracker = kind(_PROJECT, **keywords)
    tracker.start()
    tracker.store_init_configuration(hyperparameters(recipe))
    return tracker


def hyperparameters(recipe: RunRecipe) -> dict[str, bool | int | float | str]:
    """Return a recipe's keys as flat values that every tracker takes; lists and null as text."""
    return {
        key: value if isinstance(value, bool | int | float | str) else str(value)
        for key, value in flatten(recipe.to_dict()).items()
    }
