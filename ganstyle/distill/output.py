"""What a distillation makes: the student's file and its scores."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from accelerate import Accelerator
from torch import Tensor

from ganstyle.data.folder import list_validation_photos, report_unreadable
from ganstyle.distill.fidelity import Fidelity
from ganstyle.distill.recipe import DistillationRecipe
from ganstyle.distill.state import DistillationState
from ganstyle.images import read_image
from ganstyle.models import STUDENT_LAYERS, DistilledFeatures, VGG16Student
from ganstyle.runs.provenance import describe_run
from ganstyle.weights import WeightsFile, load_vgg16
from ganstyle.weights.student import save_student


class StudentOutput:
    """The student as a `RunOutput`.

    Args:
        recipe: what is trained, and how often it is looked at.
        accelerator: which of the processes this is.
        state: the distillation, as it changes.
        teacher: the teacher's file, for the student's.
        fidelity: how to score; None if the recipe does not ask for it.
    """

    def __init__(
        self,
        recipe: DistillationRecipe,
        accelerator: Accelerator,
        state: DistillationState,
        *,
        teacher: WeightsFile,
        fidelity: Fidelity | None,
    ) -> None:
        self.path = recipe.folder / "student.safetensors"
        self.best: Path | None = None
        self.select = "error"
        self.comparison: Mapping[str, Any] = {
            "protocol": fidelity.protocol if fidelity else {},
            "content": recipe.score.content,
            "teacher": teacher.sha256,
        }
        self.sample_every = 0
        self.score_every = recipe.score.every
        self._recipe = recipe
        self._accelerator = accelerator
        self._state = state
        self._teacher = teacher
        self._fidelity = fidelity

    def find_problem(self) -> str | None:
        """Say whether the student gives maps that are not finite."""
        gray = torch.full((1, 3, 16, 16), 0.5, device=self._accelerator.device)
        maps = self._features()(gray).values()
        finite = all(bool(torch.isfinite(m).all()) for m in maps)
        return None if finite else "the student's feature maps are not finite"

    def sample(self) -> Tensor:
        """Return nothing to look at: a student makes no pictures."""
        raise NotImplementedError

    def score(self) -> dict[str, float]:
        """Compare the student with its teacher, on the main process."""
        # The student is not scaled before its first step.
        if self._fidelity is None or not self._state.scale or not self._accelerator.is_main_process:
            return {}
        return self._fidelity.measure(self._features())

    def combine(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Return nothing further."""
        return {}

    def save(self, path: Path, scores: Mapping[str, float]) -> None:
        """Write the student."""
        protocol = self._fidelity.protocol if self._fidelity else {}
        info = {
            "teacher": self._teacher.identity,
            "recipe": self._recipe.to_dict(),
            **describe_run(self._accelerator, self._state, scores, protocol),
        }
        save_student(path, self._folded(), info)

    def _features(self) -> DistilledFeatures:
        student = DistilledFeatures(list(STUDENT_LAYERS), student=self._folded())
        return student.to(self._accelerator.device)

    def _folded(self) -> VGG16Student:
        student = cast(VGG16Student, self._accelerator.unwrap_model(self._state.student))
        return student.fold(self._state.scale)


def prepare_fidelity(
    recipe: DistillationRecipe, teacher: WeightsFile, paintings: Sequence[Tensor], accelerator: Accelerator
) -> Fidelity | None:
    """Prepare to score as the recipe asks for; None if it does not.

    Args:
        recipe: says on what.
        teacher: the teacher's file.
        paintings: compared on as well as photos, each (1, 3, H, W) in [0, 1].
        accelerator: the main process reports photos that cannot be read.

    Raises:
        DataError: there is no photo, or none can be read.
        RecipeError: the photos would be too small for the networks.
    """
    if not recipe.score.every:
        return None
    section = recipe.score
    photos: list[Tensor] = []
    listing = list_validation_photos(
        section.content, section.count, lambda path: photos.append(read_image(path))
    )
    if accelerator.is_main_process:
        report_unreadable(section.content, listing)
    exact = load_vgg16(teacher, list(STUDENT_LAYERS)).to(accelerator.device)
    return Fidelity(photos, paintings, exact, size=section.size, device=accelerator.device)
