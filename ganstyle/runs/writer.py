"""Everything a run writes: curves, sample grids, scores, training states and its output."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from ganstyle.images import write_image
from ganstyle.runs.events import Saved, Scored
from ganstyle.runs.history import move_best_aside, output_step
from ganstyle.runs.progress import ProgressMeter, mean_log
from ganstyle.runs.retry import retry_io
from ganstyle.runs.run import Run, RunState
from ganstyle.runs.score_log import COMPARABLE, ScoreLog, comparison_hash
from ganstyle.runs.state import check_agreement, save_state
from ganstyle.runs.trackers import ExternalTrackers
from ganstyle.runs.tracking import Tracker


class RunOutput(Protocol):
    """The output of one kind of training, such as a style: how to save, score and show it.

    Attributes:
        path: file of the latest output, such as ``runs/NAME/style.safetensors``.
        best: file of the best output; None: not kept.
        select: the score that decides what is best; see `ScoreLog`.
        comparison: what the scores depend on beside the network, as JSON values; see `comparison_hash`.
        sample_every: steps between sample grids; 0: none.
        score_every: steps between scores; 0: none.
    """

    path: Path
    best: Path | None
    select: str
    comparison: Mapping[str, Any]
    sample_every: int
    score_every: int

    def find_problem(self) -> str | None:
        """Return what is wrong with the output as it is now, or None. A collective call."""
        ...

    def save(self, path: Path, scores: Mapping[str, float]) -> None:
        """Write the output, with the scores of this step, if any. Called on the main process only."""
        ...

    def sample(self) -> Tensor:
        """Return a sample grid, (3, H, W) in [0, 1]. Called on the main process only."""
        ...

    def score(self) -> dict[str, float]:
        """Return the scores; empty if there can be none yet. A collective call."""
        ...

    def combine(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Return values derived from the scores, for the score log."""
        ...


class RunWriter:
    """Writes into the run's folder, and reports it. All processes call its methods; the main one writes.

    Args:
        run: the run.
        state: the training, as it changes.
        output: its output.
        images_per_step: of all processes together, for the speed.

    Attributes:
        last_scores: the latest scores.
    """

    def __init__(self, run: Run, state: RunState, output: RunOutput, *, images_per_step: int) -> None:
        self._run = run
        self._state = state
        self._output = output
        self._folder = run.recipe.folder
        self._main = run.accelerator.is_main_process
        trackers = run.recipe.run.trackers
        self._tracker = Tracker(
            self._folder,
            step=state.step,
            enabled=self._main and "tensorboard" in trackers,
            others=ExternalTrackers(trackers, run.recipe) if self._main else None,
        )
        self._meter = ProgressMeter(run, self._tracker, step=state.step, images_per_step=images_per_step)
        self._score_log = ScoreLog(self._folder / "scores.jsonl", select=output.select)
        self._scored_step = -1
        self._saved_step = state.step
        self._overdue = self._saving = False
        self.last_scores: dict[str, float] = {}

    def begin(self, values: dict[str, Any]) -> None:
        """Write samples and scores of the initial state, so that every curve starts at step 0.

        Args:
            values: the state; saved if the run is finished but has no output, since it continues the last
                state of another run.
        """
        self._return_to(self._state.step)
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
        """Return whether the state is saved after this step.

        Args:
            stopping: whether the run was asked to stop.
            healthy: whether no network skipped this step; if one did, saving waits for the next good step.
        """
        self._overdue = self._overdue or self._due(self._run.recipe.run.save_every)
        return self._last or stopping or (self._overdue and healthy)

    def log_step(self, logs: Sequence[Mapping[str, Tensor]], others: Mapping[str, float]) -> None:
        """Report the progress if it is due.

        Args:
            logs: what was measured on each of the step's batches.
            others: values that are the same on every process.
        """
        if self._due(self._run.recipe.run.log_every):
            rate = {"learning_rate": self._state.optimizer.param_groups[0]["lr"]}
            self._meter.report(self._state.step, mean_log(logs), {**others, **rate})

    def after_step(self, values: dict[str, Any], *, saving: bool, stopping: bool) -> None:
        """Sample, score and save if due; after the last step, do all that is not turned off.

        Args:
            values: the state after this step.
            saving: what `saves_now` said.
            stopping: whether the run was asked to stop. Then only the state is saved, since there may be no
                time for more.
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
        """Drop what is later than the step that the run has returned to; save its state if it is stopping."""
        step = self._state.step
        self._tracker.go_back(step)
        self._return_to(step)
        self._meter.start(step)
        self._scored_step, self.last_scores = -1, {}
        self._overdue = False
        if stopping and step > self._saved_step:
            self._save(values)

    def rescue(self, values: dict[str, Any]) -> bool:
        """Save the state of a completed step after a failure, unless it is saved already or saving failed.

        Returns:
            Whether this process saved it.
        """
        if not self._main or self._saving or values["step"] <= self._saved_step:
            return False
        self._save_state(self._state.gather(self._run.accelerator, values))
        return True

    def close(self) -> None:
        """Flush and close the files."""
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
        line: dict[str, Any] = {
            "step": step,
            "photos": self._state.photos,
            "seconds": round(self._state.seconds, 3),
            **scores,
            **self._output.combine(scores),
            COMPARABLE: comparison_hash(self._output.comparison),
        }
        log = self._folder / "scores.jsonl"
        best = retry_io(lambda: self._is_best(line), log, inside=self._folder)
        if best and self._output.best:
            self._save_output(self._output.best)
        self._write(lambda: self._score_log.record(line), log)
        self._tracker.values(step, {f"score/{name}": value for name, value in scores.items()})
        if best:
            self._tracker.best(step, scores, self._run.recipe)
        self._run.report(Scored(step, scores))

    def _is_best(self, line: Mapping[str, Any]) -> bool:
        """Return whether a line is better than the best output that is there."""
        since, best = 0, self._output.best
        if best:  # one that was moved aside or lost is beaten by anything
            since = (output_step(best) or 0) if best.exists() else line["step"]
        return self._score_log.is_best(line, since=since)

    def _return_to(self, step: int) -> None:
        """Keep only scores and a best output of the history that leads to a step."""
        if not self._main:
            return
        if best := self._output.best:
            aside = retry_io(lambda: move_best_aside(best, step=step), best, inside=self._folder)
            if aside:
                self._run.say(f"{best}: is of a later step than {step}; moved to {aside.parent}")
        self._write(lambda: self._score_log.cut(step), self._folder / "scores.jsonl")

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
