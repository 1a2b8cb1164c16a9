"""The state of a distillation: everything that a step changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from accelerate.utils import gather_object, set_seed
from torch import nn

from ganstyle.distill.pictures import OnPolicyPictures
from ganstyle.distill.recipe import DistillationRecipe
from ganstyle.models import VGG16Student
from ganstyle.runs.optimizers import KernelMuon
from ganstyle.runs.snapshot import copy_state
from ganstyle.style import load_style


@dataclass
class DistillationState:
    """Everything that a step changes.

    Attributes:
        student: with batch norm, as prepared by Accelerate.
        optimizer: `KernelMuon`, as prepared by Accelerate.
        pictures: this process's on-policy pictures; None without them.
        scale: what the teacher's maps are divided by, so that the student's are of order 1.
        step: steps done.
        photos: photos drawn so far by all processes together.
        seconds: time spent training so far, scoring and saving left out.
    """

    student: nn.Module
    optimizer: AcceleratedOptimizer
    pictures: OnPolicyPictures | None
    scale: Mapping[str, float] = field(default_factory=dict)
    step: int = 0
    photos: int = 0
    seconds: float = 0.0

    @property
    def network(self) -> nn.Module:
        """The student."""
        return self.student

    @property
    def replicated(self) -> bool:
        """Each process has its own on-policy pictures."""
        return self.pictures is None

    def gather(self, accelerator: Accelerator, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values with the on-policy pictures of every process, in the order of their ranks."""
        return values | {"pictures": gather_object(copy_state(values["pictures"], "cpu"))}

    def state_dict(self, accelerator: Accelerator) -> dict[str, Any]:
        """Return what this process holds as plain values and tensors."""
        return {
            "step": self.step,
            "photos": self.photos,
            "seconds": self.seconds,
            "scale": dict(self.scale),
            "student": accelerator.unwrap_model(self.student).state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "pictures": [self.pictures.state_dict()] if self.pictures else [],
        }

    def load_state_dict(self, accelerator: Accelerator, values: dict[str, Any]) -> None:
        """Load what ``state_dict`` returned.

        Raises:
            KeyError, RuntimeError, ValueError: it is of another student or another number of processes.
        """
        accelerator.unwrap_model(self.student).load_state_dict(values["student"])
        self.optimizer.load_state_dict(values["optimizer"])
        if self.pictures:
            if len(values["pictures"]) != accelerator.num_processes:
                raise ValueError(f"saved by {len(values['pictures'])} processes; continue with as many")
            self.pictures.load_state_dict(values["pictures"][accelerator.process_index])
        self.scale = values["scale"]
        self.step, self.photos, self.seconds = values["step"], values["photos"], values["seconds"]


def fresh_state(recipe: DistillationRecipe, accelerator: Accelerator) -> DistillationState:
    """Build the student, its optimizer and the pool of on-policy pictures.

    Raises:
        CheckpointError: there is no style of a name in ``on_policy.styles``.
    """
    set_seed(recipe.seed)
    student: nn.Module = VGG16Student(**recipe.student.model_dump(), norm=True).to(accelerator.device)
    section = recipe.optimizer
    optimizer = KernelMuon(student, lr=section.lr, lr_adam=section.lr_adam, weight_decay=section.weight_decay)
    student, optimizer = accelerator.prepare(student, optimizer)
    pictures = None
    if recipe.on_policy.pictures:
        pictures = OnPolicyPictures(
            recipe.on_policy,
            size=recipe.image_size,
            seed=recipe.seed,
            rank=accelerator.process_index,
            styles=[load_style(name).generator.to(accelerator.device) for name in recipe.on_policy.styles],
            device=accelerator.device,
        )
    return DistillationState(student, optimizer, pictures)
