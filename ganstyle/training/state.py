"""What the training of a style is at a given step."""

from dataclasses import dataclass
from typing import Any

from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from torch import nn
from torch.optim.swa_utils import AveragedModel


@dataclass
class TrainingState:
    """Everything that a step changes.

    Attributes:
        generator: as prepared by Accelerate.
        average: the exponential moving average of the generator: what is saved and sampled.
        generator_optimizer: Adam or `KernelMuon`, as prepared by Accelerate.
        discriminator: as prepared by Accelerate; None without a GAN.
        discriminator_optimizer: likewise.
        step: steps done.
        photos: photos drawn so far by all processes together.
        seconds: time spent training so far, scoring and saving left out.
        init: the style that the generator started as, its name and sha256; None: fresh weights.
    """

    generator: nn.Module
    average: AveragedModel
    generator_optimizer: AcceleratedOptimizer
    discriminator: nn.Module | None = None
    discriminator_optimizer: AcceleratedOptimizer | None = None
    step: int = 0
    photos: int = 0
    seconds: float = 0.0
    init: dict[str, str] | None = None

    def state_dict(self, accelerator: Accelerator) -> dict[str, Any]:
        """Return everything as plain values and tensors."""
        values: dict[str, Any] = {
            "step": self.step,
            "photos": self.photos,
            "seconds": self.seconds,
            "init": self.init,
        }
        for name, part in self._parts(accelerator).items():
            values[name] = part.state_dict()
        return values

    def load_state_dict(self, accelerator: Accelerator, values: dict[str, Any]) -> None:
        """Take over what ``state_dict`` returned.

        Raises:
            KeyError, RuntimeError, ValueError: it belongs to other networks.
        """
        for name, part in self._parts(accelerator).items():
            part.load_state_dict(values[name])
        self.step, self.photos, self.seconds = values["step"], values["photos"], values["seconds"]
        self.init = values.get("init")

    def _parts(self, accelerator: Accelerator) -> dict[str, Any]:
        parts = {
            "generator": accelerator.unwrap_model(self.generator),
            "average": self.average,
            "generator_optimizer": self.generator_optimizer,
            "discriminator": self.discriminator and accelerator.unwrap_model(self.discriminator),
            "discriminator_optimizer": self.discriminator_optimizer,
            "scaler": accelerator.scaler,
        }
        return {name: part for name, part in parts.items() if part is not None}
