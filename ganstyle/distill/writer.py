"""What a distillation writes down as it goes: curves, scores, training states and the student itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from accelerate import Accelerator
from torch import Tensor

from ganstyle.distill.fidelity import Fidelity
from ganstyle.distill.recipe import DistillationRecipe
from ganstyle.distill.state import DistillationState
from ganstyle.models import STUDENT_LAYERS, DistilledFeatures, VGG16Student
from ganstyle.runs.events import OnEvent, Saved, Scored
from ganstyle.runs.launch import describe_training
from ganstyle.runs.progress import ProgressMeter
from ganstyle.runs.score_log import ScoreLog
from ganstyle.runs.state import check_agreement, save_state
from ganstyle.runs.tracking import Tracker
from ganstyle.weights import WeightsFile
from ganstyle.weights.student import save_student


class DistillationWriter:
    """Writes into the run's folder and reports; all processes call it together, the main one writes.

    Args:
        recipe: says what is written how often.
        accelerator: which of the processes this is.
        state: the distillation, as it changes.
        teacher: the teacher's file, for the student's.
        fidelity: how to score; None if the recipe does not ask for it.
        on_event: told of everything that is written, on the main process only.
    """

    def __init__(
        self,
        recipe: DistillationRecipe,
        accelerator: Accelerator,
        state: DistillationState,
        *,
        teacher: WeightsFile,
        fidelity: Fidelity | None,
        on_event: OnEvent,
    ) -> None:
        self._recipe = recipe
        self._accelerator = accelerator
        self._state = state
        self._teacher = teacher
        self._fidelity = fidelity
        self._on_event = on_event
        self._tracker = Tracker(recipe.folder, step=state.step, enabled=accelerator.is_main_process)
        self._meter = ProgressMeter(
            recipe,
            accelerator,
            self._tracker,
            on_event,
            step=state.step,
            images_per_step=(recipe.batch_size + recipe.on_policy.pictures) * accelerator.num_processes,
        )
        self._score_log = ScoreLog(recipe.folder / "scores.jsonl")
        self.student = recipe.folder / "student.safetensors"
        self.last_scores: dict[str, float] = {}
        if state.step == 0:
            self._tracker.recipe(recipe)

    def after_step(self, log: Mapping[str, Tensor], *, stopping: bool) -> None:
        """Do what is due after this step; after the last one, everything that is not turned off."""
        step, run = self._state.step, self._recipe.run
        last = step >= self._recipe.steps
        if step % run.log_every == 0 or last:
            rate = self._state.optimizer.param_groups[0]["lr"]
            self._meter.report(step, log, learning_rate=rate)
        with self._meter.paused():
            every = self._recipe.score.every
            if every and (last or (step % every == 0 and not stopping)):
                self._score()
            if last or stopping or (run.save_every and step % run.save_every == 0):
                self._save()

    def _folded(self) -> VGG16Student:
        student = cast(VGG16Student, self._accelerator.unwrap_model(self._state.student))
        return student.fold(self._state.scale)

    def _score(self) -> None:
        if self._fidelity is None or not self._accelerator.is_main_process:
            return
        student = DistilledFeatures(list(STUDENT_LAYERS), student=self._folded()).to(self._accelerator.device)
        self.last_scores = self._fidelity.measure(student)
        self._score_log.record(
            {
                "step": self._state.step,
                "photos": self._state.photos,
                "seconds": round(self._state.seconds, 1),
                **self.last_scores,
            }
        )
        values = {f"score/{name}": value for name, value in self.last_scores.items()}
        self._tracker.values(self._state.step, values)
        self._on_event(Scored(self._state.step, self.last_scores))

    def _save(self) -> None:
        check_agreement(self._accelerator, self._state.student, self._state.step)
        values = self._state.state_dict(self._accelerator)
        if self._accelerator.is_main_process:
            self._save_student()
            folder: Path = self._recipe.folder / "checkpoints"
            path = save_state(folder, self._state.step, values, self._recipe, keep=self._recipe.run.keep)
            self._on_event(Saved(self._state.step, path))
        self._accelerator.wait_for_everyone()

    def _save_student(self) -> None:
        info = {
            "teacher": {"name": self._teacher.name, "sha256": self._teacher.sha256},
            "recipe": self._recipe.to_dict(),
            "training": describe_training(
                self._accelerator,
                steps=self._state.step,
                photos=self._state.photos,
                seconds=self._state.seconds,
            ),
        }
        if self._fidelity is not None and self.last_scores:
            info["scores"] = {**self.last_scores, "protocol": self._fidelity.protocol}
        save_student(self.student, self._folded(), info)
        self._on_event(Saved(self._state.step, self.student))

    def close(self) -> None:
        """Write out what is still pending."""
        self._tracker.close()
