"""What a distillation is at a given step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from accelerate.utils import gather_object
from torch import nn

from ganstyle.distill.pictures import OnPolicyPictures


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

    def state_dict(self, accelerator: Accelerator) -> dict[str, Any]:
        """Return everything as plain values and tensors. All processes call it together."""
        pictures = [self.pictures.state_dict()] if self.pictures else []
        return {
            "step": self.step,
            "photos": self.photos,
            "seconds": self.seconds,
            "scale": dict(self.scale),
            "student": accelerator.unwrap_model(self.student).state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "pictures": gather_object(pictures),
        }

    def load_state_dict(self, accelerator: Accelerator, values: dict[str, Any]) -> None:
        """Take over what ``state_dict`` returned.

        Raises:
            KeyError, RuntimeError, ValueError: it belongs to another student or number of processes.
        """
        accelerator.unwrap_model(self.student).load_state_dict(values["student"])
        self.optimizer.load_state_dict(values["optimizer"])
        if self.pictures:
            if len(values["pictures"]) != accelerator.num_processes:
                raise ValueError(f"saved by {len(values['pictures'])} processes; continue with as many")
            self.pictures.load_state_dict(values["pictures"][accelerator.process_index])
        self.scale = values["scale"]
        self.step, self.photos, self.seconds = values["step"], values["photos"], values["seconds"]
