"""What a run writes down as it goes: curves, sample grids, scores, training states and the style itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from accelerate import Accelerator
from torch import Tensor

from ganstyle.images import write_image
from ganstyle.recipe import Recipe
from ganstyle.runs.events import OnEvent, Saved, Scored
from ganstyle.runs.launch import describe_training
from ganstyle.runs.progress import ProgressMeter
from ganstyle.runs.score_log import ScoreLog
from ganstyle.runs.state import check_agreement, save_state
from ganstyle.runs.tracking import Tracker
from ganstyle.style import save_style
from ganstyle.training.phases import Phase
from ganstyle.training.samples import Samples
from ganstyle.training.state import TrainingState
from ganstyle.training.validation import Scores
from ganstyle.weights import WeightsFile


class RunWriter:
    """Writes into the run's folder and reports; all processes call it together, the main one writes.

    Args:
        recipe: says what is written how often.
        accelerator: which of the processes this is.
        state: the training, as it changes.
        phases: the training's phases; the style file names their feature networks and keeps the last one's
            Gram matrices.
        samples: the photos to watch.
        scores: how to score; None if the recipe does not ask for it.
        on_event: told of everything that is written, on the main process only.
    """

    def __init__(
        self,
        recipe: Recipe,
        accelerator: Accelerator,
        state: TrainingState,
        *,
        phases: Sequence[Phase],
        samples: Samples,
        scores: Scores | None,
        on_event: OnEvent,
    ) -> None:
        self._recipe = recipe
        self._accelerator = accelerator
        self._state = state
        self._phases = phases
        self._samples = samples
        self._scores = scores
        self._on_event = on_event
        self._tracker = Tracker(recipe.folder, step=state.step, enabled=accelerator.is_main_process)
        self._meter = ProgressMeter(
            recipe,
            accelerator,
            self._tracker,
            on_event,
            step=state.step,
            images_per_step=recipe.batch_size * recipe.accumulate * accelerator.num_processes,
        )
        self._score_log = ScoreLog(recipe.folder / "scores.jsonl")
        self.last_scores: dict[str, float] = {}

    def begin(self) -> None:
        """Show the starting point, so that every curve and row of samples has one."""
        if self._state.step == 0:
            self._tracker.recipe(self._recipe)
            if self._recipe.run.sample_every:
                self._sample()
            self._score()
        # A state of a finished run may be continued under another name, which has no style yet.
        finished = self._state.step >= self._recipe.steps
        if finished and not (self._recipe.folder / "style.safetensors").exists():
            self._save()
        self._meter.start()

    def after_step(self, log: Mapping[str, Tensor], *, stopping: bool) -> None:
        """Do what is due after this step; after the last one, everything that is not turned off.

        When the run is asked to stop, only the state is saved: whoever asked may not wait for more.
        """
        run = self._recipe.run
        last = self._state.step >= self._recipe.steps
        if self._due(run.log_every, last):
            rate = self._state.generator_optimizer.param_groups[0]["lr"]
            self._meter.report(self._state.step, log, learning_rate=rate)
        with self._meter.paused():
            if not stopping or last:
                if self._due(run.sample_every, last):
                    self._sample()
                if self._due(self._recipe.score.every, last):
                    self._score()
            if self._due(run.save_every, last) or last or stopping:
                self._save()

    def _due(self, every: int, last: bool) -> bool:
        return every > 0 and (last or self._state.step % every == 0)

    def _sample(self) -> None:
        if not self._accelerator.is_main_process:
            return
        # A diverged training is the guard's to report; until then its samples are black.
        grid = self._samples.grid(self._state.average.module, self._accelerator.device).nan_to_num()
        path = self._recipe.folder / "samples" / f"step-{self._state.step:06d}.jpg"
        write_image(grid, path)
        self._tracker.grid(self._state.step, "samples", grid)
        self._on_event(Saved(self._state.step, path))

    def _score(self) -> None:
        if self._scores is None:
            return
        scores = self._scores.measure(self._state.average.module)
        self.last_scores = scores
        if not self._accelerator.is_main_process:
            return
        loss, select = self._recipe.loss, self._recipe.score.select
        line = {
            "step": self._state.step,
            "photos": self._state.photos,
            "seconds": round(self._state.seconds, 1),
            **scores,
            "weighted": loss.content * scores["content"] + loss.style * scores["style"],
        }
        if select in line and self._score_log.is_best(select, line[select], before=self._state.step):
            self._save_style("best.safetensors")
        self._score_log.record(line)
        self._tracker.values(self._state.step, {f"score/{name}": value for name, value in scores.items()})
        self._on_event(Scored(self._state.step, scores))

    def _save(self) -> None:
        check_agreement(self._accelerator, self._state.generator, self._state.step)
        if self._accelerator.is_main_process:
            self._save_style("style.safetensors")
            path = save_state(
                self._recipe.folder / "checkpoints",
                self._state.step,
                self._state.state_dict(self._accelerator),
                self._recipe,
                keep=self._recipe.run.keep,
            )
            self._on_event(Saved(self._state.step, path))
        self._accelerator.wait_for_everyone()

    def _save_style(self, name: str) -> None:
        last = self._phases[-1]
        info: dict[str, Any] = {
            "vgg": _describe(last.weights),
            "training": describe_training(
                self._accelerator,
                steps=self._state.step,
                photos=self._state.photos,
                seconds=self._state.seconds,
            ),
        }
        if self._state.init:
            info["init"] = self._state.init
        if len(self._phases) > 1:
            info["phases"] = [
                {"end": phase.end, "image_size": phase.image_size, "vgg": _describe(phase.weights)}
                for phase in self._phases
            ]
        if self._scores is not None and self.last_scores:
            info["scores"] = {**self.last_scores, "protocol": self._scores.protocol}
        path = self._recipe.folder / name
        save_style(path, self._state.average.module, self._recipe, last.reference, info)
        self._on_event(Saved(self._state.step, path))

    def close(self) -> None:
        """Write out what is still pending."""
        self._tracker.close()


def _describe(weights: WeightsFile) -> dict[str, str]:
    return {"name": weights.name, "sha256": weights.sha256}
