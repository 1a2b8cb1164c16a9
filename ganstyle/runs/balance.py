"""Keeping a discriminator neither too strong nor too weak for its generator."""

from typing import Any

from ganstyle.recipe.schema import BalanceSection

# Slower, or with a lower limit of 0.05, the accuracy does not stay in the band; see docs/training.md.
_MEMORY = 0.8  # decay of the average accuracy: five steps
_PACE = 0.7  # what a step outside the band changes the learning rate by: half in two steps


class Balance:
    """Holds a discriminator's accuracy in a band by its learning rate.

    A discriminator that is always right gives the generator no direction, and one that guesses gives a wrong
    one. While its accuracy lies above the band its learning rate falls, below the band it rises again, never
    above the recipe's. (Karras et al. 2020 hold a like measure by the probability of augmentations; a fixed
    one, ``discriminator.augment``, comes first: it also lowers the style loss.)

    Args:
        section: the recipe's ``balance``.

    Attributes:
        factor: multiply the discriminator's learning rate by it.
        accuracy: its average over the last steps, from 0 to 1; None: not known yet.
    """

    def __init__(self, section: BalanceSection) -> None:
        self.factor = 1.0
        self.accuracy: float | None = None
        self._section = section

    def update(self, accuracy: float) -> None:
        """Take a step's accuracy into account, that of all processes' patches."""
        before = accuracy if self.accuracy is None else self.accuracy
        self.accuracy = _MEMORY * before + (1 - _MEMORY) * accuracy
        low, high = self._section.accuracy
        if self.accuracy > high:
            self.factor = max(self.factor * _PACE, self._section.slowest)
        elif self.accuracy < low:
            self.factor = min(self.factor / _PACE, 1.0)

    def state_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {"factor": self.factor, "accuracy": self.accuracy}

    def load_state_dict(self, values: dict[str, Any]) -> None:
        """Load what ``state_dict`` returned."""
        self.factor, self.accuracy = values["factor"], values["accuracy"]
