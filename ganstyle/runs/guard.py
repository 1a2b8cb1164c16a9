"""The optimizer step, with protection against non-finite gradients and divergence."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from torch import Tensor, nn

from ganstyle.errors import RunError
from ganstyle.recipe import GuardSection

_LAST_STEPS = 3  # as many skipped steps right before the end mean that the training diverged


@dataclass
class _Network:
    """The counts of one network."""

    skipped: int = 0
    in_a_row: int = 0
    losses_finite: bool | Tensor = True


class Guard:
    """Clips gradients, skips non-finite steps, and decides when a training has diverged.

    A single NaN would never leave the weights and Adam's moments, so the step is skipped. One skipped step is
    harmless; many in a row mean that the network has diverged, even if the other one is fine. Then the run
    goes back to its last good state and continues with a lower learning rate. All processes decide the same:
    the gradient norm is the same on each after the reduction, and losses are compared.

    Args:
        accelerator: which of the processes this is.
        settings: the recipe's ``guard``.
        clip: largest gradient norm of a network.

    Attributes:
        learning_rate_factor: multiply every learning rate by it.
        returns: how often the run went back to an earlier state.
    """

    def __init__(self, accelerator: Accelerator, settings: GuardSection, *, clip: float) -> None:
        self.learning_rate_factor = 1.0
        self.returns = 0
        self._accelerator = accelerator
        self._settings = settings
        self._clip = clip
        self._networks: dict[str, _Network] = {}

    def update(
        self, name: str, network: nn.Module, optimizer: AcceleratedOptimizer, loss: Tensor
    ) -> dict[str, Tensor]:
        """Backpropagate a loss, and take a step unless gradients are still being accumulated.

        Args:
            name: of the network, such as ``generator``.
            network: as prepared by Accelerate.
            optimizer: the network's, as prepared by Accelerate.
            loss: a scalar.

        Returns:
            ``gradient/NAME``, the gradient's norm before clipping; nothing while gradients are accumulated.
        """
        counts = self._networks.setdefault(name, _Network())
        self._accelerator.backward(loss)
        counts.losses_finite = counts.losses_finite & torch.isfinite(loss.detach())
        if not self._accelerator.sync_gradients:
            return {}
        bare = _unwrap(optimizer)
        # Not through Accelerate: it would unscale all optimizers' gradients, so that what another network has
        # accumulated is divided twice, and update the scale after each network.
        if self._accelerator.scaler is not None:
            self._accelerator.scaler.unscale_(bare)
        norm = nn.utils.clip_grad_norm_(network.parameters(), self._clip)
        if self._everywhere(torch.isfinite(norm) & counts.losses_finite):
            bare.step()
            counts.in_a_row = 0
        else:
            counts.skipped += 1
            counts.in_a_row += 1
        counts.losses_finite = True
        optimizer.zero_grad()
        return {f"gradient/{name}": norm}

    def end_step(self, say: Callable[[str], None], *, step: int, steps: int) -> str | None:
        """Finish a step, after the updates of all networks.

        Args:
            say: told when steps begin to be skipped.
            step: steps done.
            steps: of the whole training.

        Returns:
            What has diverged, in words; None if nothing has.
        """
        scaler = self._accelerator.scaler
        if scaler is not None:
            scaler.update()
        # fp16 overflows now and then: that is how its scale is found.
        worth_telling = 1 if scaler is None else 5
        few = self._settings.patience if step < steps else min(_LAST_STEPS, steps, self._settings.patience)
        problem = None
        for name, counts in self._networks.items():
            if counts.in_a_row == worth_telling:
                say(f"step {step}: the {name}'s loss or gradient is not finite; its step is skipped")
            if counts.in_a_row >= few:
                problem = f"the {name}'s loss or gradient was not finite for {counts.in_a_row} steps in a row"
        return problem

    @property
    def healthy(self) -> bool:
        """Whether no network skipped its last step."""
        return all(counts.in_a_row == 0 for counts in self._networks.values())

    def counts(self) -> dict[str, float]:
        """Return how many steps of each network were skipped so far, by TensorBoard name."""
        return {f"skipped/{name}": float(counts.skipped) for name, counts in self._networks.items()}

    def go_back(self, problem: str, *, step: int, good: int) -> str:
        """Lower the learning rate for a return to the last good state.

        Args:
            problem: what has diverged.
            step: steps done.
            good: step of the last good state.

        Returns:
            A line for the user.

        Raises:
            RunError: the run has gone back too often.
        """
        if self.returns >= self._settings.returns:
            raise RunError(
                f"step {step}: {problem}, after {self.returns} returns to an earlier state and with the "
                f"learning rate at {self.learning_rate_factor:g} of the recipe's; lower optimizer.lr or "
                f"optimizer.clip, or set precision=fp32 (the last good state is that of step {good})"
            )
        self.returns += 1
        self.learning_rate_factor *= self._settings.lr_factor
        for counts in self._networks.values():
            counts.in_a_row = 0
        return (
            f"step {step}: {problem}; back to step {good}, with the learning rate at "
            f"{self.learning_rate_factor:g} of the recipe's ({self.returns} of {self._settings.returns} "
            "such returns)"
        )

    def state_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "learning_rate_factor": self.learning_rate_factor,
            "returns": self.returns,
            "skipped": {name: counts.skipped for name, counts in self._networks.items()},
            "in_a_row": {name: counts.in_a_row for name, counts in self._networks.items()},
        }

    def load_state_dict(self, values: dict[str, Any]) -> None:
        """Load what ``state_dict`` returned."""
        self.learning_rate_factor, self.returns = values["learning_rate_factor"], values["returns"]
        self._networks = {
            name: _Network(skipped, values["in_a_row"][name]) for name, skipped in values["skipped"].items()
        }

    def _everywhere(self, finite: Tensor) -> bool:
        if self._accelerator.num_processes > 1:
            finite = self._accelerator.reduce(finite.float(), "mean") == 1
        return bool(finite)


def _unwrap(optimizer: AcceleratedOptimizer) -> torch.optim.Optimizer:
    bare: torch.optim.Optimizer = optimizer
    while isinstance(bare, AcceleratedOptimizer):
        bare = bare.optimizer
    return bare
