"""Curves, sample grids, the recipe and the best scores, for TensorBoard and other trackers; main process."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor
from torch.utils.tensorboard.summary import hparams, image, scalar, text

from ganstyle.recipe import RunRecipe
from ganstyle.runs.event_file import EventFile
from ganstyle.runs.trackers import ExternalTrackers, hyperparameters


class Tracker:
    """Writes to a run's ``tensorboard/`` folder and to other trackers; does nothing on other processes.

    Args:
        folder: the run's folder.
        step: steps done at the start; points that an interrupted run wrote after it are hidden.
        enabled: whether this process writes to TensorBoard.
        others: the other trackers, which get the curves only.
    """

    def __init__(
        self, folder: Path, *, step: int, enabled: bool, others: ExternalTrackers | None = None
    ) -> None:
        self._folder = folder / "tensorboard"
        self._file = self._open(step) if enabled else None
        self._others = others
        self._compared = False

    def go_back(self, step: int) -> None:
        """Hide the points after a step."""
        if self._file:
            self._file.flush()
            self._file = self._open(step)

    def recipe(self, recipe: RunRecipe) -> None:
        """Log the whole recipe as text."""
        if self._file:
            indented = "".join(f"    {line}\n" for line in recipe.to_yaml().splitlines())
            self._file.add(text("recipe", indented), 0)

    def values(self, step: int, values: Mapping[str, float]) -> None:
        """Add a point to each named curve."""
        if self._file:
            for name, value in values.items():
                self._file.add(scalar(name, value), step)
            self._file.flush()
        if self._others:
            self._others.values(step, values)

    def best(self, step: int, scores: Mapping[str, float], recipe: RunRecipe) -> None:
        """Log the scores of the best step so far; TensorBoard compares runs by them (HPARAMS)."""
        named = {f"best/{name}": value for name, value in scores.items()}
        if self._file and not self._compared:
            for summary in hparams(hyperparameters(recipe), named):
                self._file.add(summary, step)
            self._compared = True
        self.values(step, named)

    def grid(self, step: int, name: str, grid: Tensor) -> None:
        """Log an image, (3, H, W) in [0, 1]."""
        if self._file:
            self._file.add(image(name, grid, dataformats="CHW"), step)
            self._file.flush()

    def flush(self) -> None:
        """Flush to disk."""
        if self._file:
            self._file.flush()

    def close(self) -> None:
        """Flush to disk, and end the run in other trackers."""
        self.flush()
        if self._others:
            self._others.close()

    def _open(self, step: int) -> EventFile:
        # TensorBoard hides this step and later ones. The points of the step that the run continues from stay;
        # those of step 0 are written again.
        return EventFile(self._folder, purge_step=step + 1 if step else 0)
