"""What a run writes down as it goes: curves, sample grids, scores, training states and what it makes."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from ganstyle.images import write_image
from ganstyle.runs.events import Saved, Scored
from ganstyle.runs.progress import ProgressMeter, mean_log
from ganstyle.runs.retry import retry_io
from ganstyle.runs.run import Run, RunState
from ganstyle.runs.score_log import ScoreLog
from ganstyle.runs.state import check_agreement, save_state
from ganstyle.runs.tracking import Tracker


class RunOutput(Protocol):
    """What one kind of training makes, and how it is looked at.

    Attributes:
        path: where the latest of it is kept, such as ``runs/NAME/style.safetensors``.
        best: where the best of it is kept; None: nowhere.
        select: the score that decides what is best; see `ScoreLog`.
        sample_every: steps between sample grids; 0: none.
        score_every: steps between scores; 0: none.
    """

    path: Path
    best: Path | None
    select: str
    sample_every: int
    score_every: int

    def find_problem(self) -> str | None:
        """Say what is wrong with what would be saved now; None: nothing. All processes call it together."""
        ...

    def save(self, path: Path, scores: Mapping[str, float]) -> None:
        """Write it, with the scores of this step or none. The main process alone calls it."""
        ...

    def sample(self) -> Tensor:
        """Return a grid of pictures, (3, H, W) in [0, 1]. The main process alone calls it."""
        ...

    def score(self) -> dict[str, float]:
        """Measure it; nothing: it cannot be measured yet. All processes call it together."""
        ...

    def combine(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Return further numbers for the log that follow from the scores."""
        ...


class RunWriter:
    """Writes into the run's folder and reports; all processes call it together, the main one writes.

    Args:
        run: the run.
        state: the training, as it changes.
        output: what it makes.
        images_per_step: what all processes together learn from, for the speed.

    Attributes:
        last_scores: the latest scores.
    """

    def __init__(self, run: Run, state: RunState, output: RunOutput, *, images_per_step: int) -> None:
        self._run = run
        self._state = state
        self._output = output
        self._folder = run.recipe.folder
        self._main = run.accelerator.is_main_process
        self._tracker = Tracker(self._folder, step=state.step, enabled=self._main)
        self._meter = ProgressMeter(run, self._tracker, step=state.step, images_per_step=images_per_step)
        self._score_log = ScoreLog(self._folder / "scores.jsonl", select=output.select)
        self._scored_step = -1
        self._saved_step = state.step
        self._overdue = self._saving = False
        self.last_scores: dict[str, float] = {}

    def begin(self, values: dict[str, Any]) -> None:
        """Show the starting point, so that every curve and row of samples has one.

        Args:
            values: the state, for a run that is finished already and has no output yet: one that continues
                another run's last state.
        """
        if self._state.step == 0:
            self._tracker.recipe(self._run.recipe)
            if self._output.sample_every:
                self._sample()
            if self._output.score_every:
                self._score()
        if self._last and not self._output.path.exists():
            self._save(values)
        self._meter.start(self._state.step)

    def saves_now(self, *, stopping: bool, healthy: bool) -> bool:
        """Say whether the state is saved after this step.

        Args:
            stopping: whether the run was asked to stop.
            healthy: whether every network took this step. If not, the state is saved after the next good one.
        """
        self._overdue = self._overdue or self._due(self._run.recipe.run.save_every)
        return self._last or stopping or (self._overdue and healthy)

    def log_step(self, logs: Sequence[Mapping[str, Tensor]], counts: Mapping[str, float]) -> None:
        """Report the progress if it is due.

        Args:
            logs: what was measured on each of the step's batches.
            counts: what is the same on every process.
        """
        if self._due(self._run.recipe.run.log_every):
            rate = {"learning_rate": self._state.optimizer.param_groups[0]["lr"]}
            self._meter.report(self._state.step, mean_log(logs), {**counts, **rate})

    def after_step(self, values: dict[str, Any], *, saving: bool, stopping: bool) -> None:
        """Do what is due after this step; after the last one, everything that is not turned off.

        Args:
            values: the state after this step.
            saving: what `saves_now` said.
            stopping: whether the run was asked to stop: whoever asked may not wait for more than the state.
        """
        with self._meter.paused():
            if self._last or not stopping:
                if self._due(self._output.sample_every):
                    self._sample()
                if self._due(self._output.score_every):
                    self._score()
            if saving:
                self._save(values)

    def go_back(self, values: dict[str, Any], *, stopping: bool) -> None:
        """Hide what was written after the step that the state is at now; save it if the run is stopping."""
        step = self._state.step
        self._tracker.go_back(step)
        self._meter.start(step)
        self._scored_step, self.last_scores = -1, {}
        self._overdue = False
        if stopping and step > self._saved_step:
            self._save(values)

    def rescue(self, values: dict[str, Any]) -> bool:
        """Save a completed step's state after a failure, if that is new and saving is not what failed.

        Returns:
            Whether it was saved, on the main process.
        """
        if not self._main or self._saving or values["step"] <= self._saved_step:
            return False
        self._save_state(self._state.gather(self._run.accelerator, values))
        return True

    def close(self) -> None:
        """Write out what is still pending."""
        self._tracker.close()

    @property
    def _last(self) -> bool:
        return self._state.step >= self._run.recipe.steps

    def _due(self, every: int) -> bool:
        return every > 0 and (self._last or self._state.step % every == 0)

    def _sample(self) -> None:
        if not self._main:
            return
        # A diverged training is the guard's to report; until then its samples are black.
        grid = self._output.sample().nan_to_num()
        path = self._folder / "samples" / f"step-{self._state.step:06d}.jpg"
        self._write(lambda: write_image(grid, path), path)
        self._tracker.grid(self._state.step, "samples", grid)
        self._run.report(Saved(self._state.step, path))

    def _score(self) -> None:
        step, scores = self._state.step, self._output.score()
        self._scored_step, self.last_scores = step, scores
        if not self._main or not scores:
            return
        line = {
            "step": step,
            "photos": self._state.photos,
            "seconds": round(self._state.seconds, 1),
            **scores,
            **self._output.combine(scores),
        }
        if self._output.best and self._score_log.is_best(line):
            self._save_output(self._output.best)
        self._write(lambda: self._score_log.record(line), self._folder / "scores.jsonl")
        self._tracker.values(step, {f"score/{name}": value for name, value in scores.items()})
        self._run.report(Scored(step, scores))

    def _save(self, values: dict[str, Any]) -> None:
        accelerator, step = self._run.accelerator, self._state.step
        self._saving = True
        check_agreement(accelerator, self._state.network, step)
        values = self._state.gather(accelerator, values)
        self._saving = False
        if self._main:
            self._save_output(self._output.path)
            self._save_state(values)
        self._saved_step, self._overdue = step, False
        accelerator.wait_for_everyone()

    def _save_state(self, values: dict[str, Any]) -> None:
        self._tracker.flush()  # the curves must not end before the state does
        recipe, step = self._run.recipe, values["step"]
        self._saving = True
        path = save_state(self._folder / "checkpoints", step, values, recipe, keep=recipe.run.keep)
        self._saving, self._saved_step = False, step
        self._run.report(Saved(step, path))

    def _write(self, action: Callable[[], None], path: Path) -> None:
        """Write a file into the run's folder; a disk that is away for a moment is waited for."""
        retry_io(action, path, inside=self._folder)

    def _save_output(self, path: Path) -> None:
        step = self._state.step
        scores = self.last_scores if self._scored_step == step else {}
        self._write(lambda: self._output.save(path, scores), path)
        self._run.report(Saved(step, path))
