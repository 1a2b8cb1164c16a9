"""The state of a generator's training: everything that a step changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from torch import Tensor, nn
from torch.optim import Adam, Optimizer
from torch.optim.swa_utils import AveragedModel

from ganstyle.errors import RunError
from ganstyle.recipe.schema import OptimizerSection
from ganstyle.runs.balance import Balance
from ganstyle.runs.content_hold import ContentHold
from ganstyle.runs.optimizers import KernelMuon
from ganstyle.runs.schedule import EMA, learning_rate_factor, set_learning_rates

# A training that was saved without one of these can be continued with it: it begins as in a new training.
_MAY_BEGIN = ("balance", "scaler")


@dataclass
class TrainingState:
    """Everything that a step changes.

    Attributes:
        generator: as prepared by Accelerate.
        average: the exponential moving average of the generator: what is saved and sampled.
        generator_optimizer: Adam or `KernelMuon`, as prepared by Accelerate.
        discriminator: as prepared by Accelerate; None without a GAN.
        discriminator_optimizer: likewise.
        balance: of the two networks; None: not kept.
        content_hold: holds the content loss; None: it is free.
        step: steps done.
        photos: photos drawn so far by all processes together.
        seconds: time spent training so far, scoring and saving left out.
        init: name and sha256 of the style that the generator started from; None: random weights.
    """

    generator: nn.Module
    average: AveragedModel
    generator_optimizer: AcceleratedOptimizer
    discriminator: nn.Module | None = None
    discriminator_optimizer: AcceleratedOptimizer | None = None
    balance: Balance | None = None
    content_hold: ContentHold | None = None
    step: int = 0
    photos: int = 0
    seconds: float = 0.0
    init: dict[str, str] | None = None

    @property
    def network(self) -> nn.Module:
        """The generator."""
        return self.generator

    @property
    def optimizer(self) -> AcceleratedOptimizer:
        """The generator's."""
        return self.generator_optimizer

    @property
    def replicated(self) -> bool:
        """All processes hold the same."""
        return True

    def gather(self, accelerator: Accelerator, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values: those of one process are those of all."""
        return values

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
        """Load what ``state_dict`` returned.

        Raises:
            KeyError, RuntimeError, ValueError: it is of other networks.
            RunError: it lacks what ``loss.hold_content`` needs.
        """
        parts = self._parts(accelerator)
        if "content_hold" in parts and "content_hold" not in values:
            raise RunError(
                "was saved without loss.hold_content, so it has no content loss to hold; continue it with "
                "loss.hold_content=false, or begin anew from its style with init=STYLE and resume=never"
            )
        for name, part in parts.items():
            if name in _MAY_BEGIN and name not in values:
                continue
            part.load_state_dict(values[name])
            if isinstance(part, Optimizer):
                _check_moments(part, name)
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
            "balance": self.balance,
            "content_hold": self.content_hold,
        }
        return {name: part for name, part in parts.items() if part is not None}


def _check_moments(optimizer: Optimizer, name: str) -> None:
    """Raise ValueError unless an optimizer's state fits its weights, which torch does not check."""
    for group in optimizer.param_groups:
        for weight in group["params"]:
            for key, value in optimizer.state.get(weight, {}).items():
                if isinstance(value, Tensor) and value.shape not in ((), weight.shape):
                    raise ValueError(f"{name}: {key} is {tuple(value.shape)}, not {tuple(weight.shape)}")


def prepare_state(
    accelerator: Accelerator,
    generator: nn.Module,
    discriminator: nn.Module | None,
    section: OptimizerSection,
    *,
    ema: float,
) -> TrainingState:
    """Give the networks their optimizers, and the generator its average.

    Args:
        accelerator: where they will be trained.
        generator: with its first weights.
        discriminator: likewise; None without a GAN.
        section: the recipe's ``optimizer``.
        ema: decay of the generator's average.
    """
    generator.to(accelerator.device)
    # Copied before Accelerate wraps the generator's forward: the average always computes in float32.
    average = AveragedModel(generator, multi_avg_fn=EMA(ema)).eval().requires_grad_(False)
    betas = section.betas
    optimizer: Optimizer = Adam(generator.parameters(), lr=section.lr, betas=betas)
    if section.lr_muon:
        optimizer = KernelMuon(generator, lr=section.lr_muon, lr_adam=section.lr, betas=betas)
    generator, generator_optimizer = accelerator.prepare(generator, optimizer)
    state = TrainingState(generator, average, generator_optimizer)
    if discriminator:
        discriminator.to(accelerator.device)
        optimizer = Adam(discriminator.parameters(), lr=section.lr_discriminator, betas=betas)
        state.discriminator, state.discriminator_optimizer = accelerator.prepare(discriminator, optimizer)
    return state


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Let no gradient reach a network's weights during the block."""
    network.requires_grad_(False)
    yield
    network.requires_grad_(True)


def follow_schedule(state: TrainingState, section: OptimizerSection, *, steps: int, factor: float) -> None:
    """Set all learning rates for the next step.

    Args:
        state: the training.
        section: the recipe's ``optimizer``.
        steps: length of the training.
        factor: multiplies every rate; see `Guard`.
    """
    factor *= learning_rate_factor(state.step, steps=steps, warmup=section.warmup, schedule=section.schedule)
    rates = (section.lr_muon, section.lr) if section.lr_muon else (section.lr,)
    set_learning_rates(state.generator_optimizer, rates, factor)
    if state.discriminator_optimizer:
        slower = state.balance.factor if state.balance else 1.0
        set_learning_rates(state.discriminator_optimizer, (section.lr_discriminator,), factor * slower)
