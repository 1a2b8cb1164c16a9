"""Holding the content loss of a training at a limit, by the weight of the content loss."""

import math
from typing import Any

from ganstyle.recipe.schema import PictureLossSection

_PACE = 0.03  # a content loss twice too high raises the weight by 3 % per step
_LARGEST_FACTOR, _SMALLEST_FACTOR = 10.0, 0.1
_LOWEST_LIMIT = 1e-3  # a style that begins as the photo itself may change it a little


class ContentHold:
    """Keeps pictures as close to their photos as those of the style that training starts from.

    A constraint on the content loss, by gradient ascent on the logarithm of its multiplier (Platt and Barr
    1988): while the loss lies above the limit its weight grows, and below it shrinks, so that a style which
    is stronger than the recipe's weights would make it is not weakened.

    Attributes:
        limit: the content loss to hold, relative and unweighted; infinite until it is measured.
        factor: multiply the recipe's ``loss.content`` by it.
    """

    def __init__(self) -> None:
        self.limit = math.inf
        self.factor = 1.0

    def weights(self, section: PictureLossSection) -> PictureLossSection:
        """Return the recipe's ``loss`` with the weight of content as it is now."""
        return section.model_copy(update={"content": section.content * self.factor})

    def update(self, content: float) -> None:
        """Take a step's content loss into account, that of all processes' pictures at strength 1."""
        # One odd photo, or a step that is not finite, must not throw the weight off.
        excess = min(content / max(self.limit, _LOWEST_LIMIT) - 1, 1.0) if math.isfinite(content) else 0.0
        factor = self.factor * math.exp(_PACE * excess)
        self.factor = min(max(factor, _SMALLEST_FACTOR), _LARGEST_FACTOR)

    def state_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {"limit": self.limit, "factor": self.factor}

    def load_state_dict(self, values: dict[str, Any]) -> None:
        """Load what ``state_dict`` returned."""
        self.limit, self.factor = values["limit"], values["factor"]
