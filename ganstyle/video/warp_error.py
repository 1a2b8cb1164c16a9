"""The warp error: how much a video flickers."""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from ganstyle.video.motion import Motion

MEASURED = 48
"""Pairs of frames that are measured at most, spread evenly over a video."""


def warp_error(before: Tensor, now: Tensor, motion: "Motion") -> float:
    """Return the mean squared difference of a picture from the moved one before, of pixels that were visible.

    The warp error of Lai et al. 2018, "Learning Blind Video Temporal Consistency", with the flow of the video
    itself. Not a number where no pixel was visible.

    Args:
        before: (1, 3, H, W) in [0, 1].
        now: of the same shape.
        motion: between the frames that the pictures were made from.
    """
    difference = (now - motion.carry(before)).square().mean(1, keepdim=True)
    visible = motion.visible.sum()
    return float((difference * motion.visible).sum() / visible) if visible else math.nan


@dataclass
class WarpErrors:
    """Gathers the warp errors of a video, of its painting frame by frame, and of the steady painting.

    Args:
        count: the number of frames.
    """

    count: int
    _errors: dict[str, list[float]] = field(default_factory=dict)
    _before: dict[str, Tensor] = field(default_factory=dict)

    def wants(self, index: int) -> bool:
        """Say whether a frame, from 0, is in a pair that is measured."""
        return self._ends_pair(index) or (index + 1 < self.count and self._ends_pair(index + 1))

    def add(self, index: int, motion: "Motion | None", pictures: dict[str, Tensor]) -> None:
        """Add a frame that is wanted.

        Args:
            index: its number, from 0.
            motion: from the frame before; None at a cut.
            pictures: what is measured, by name.
        """
        if motion and self._ends_pair(index) and self._before:
            for name, picture in pictures.items():
                error = warp_error(self._before[name], picture, motion)
                if math.isfinite(error):
                    self._errors.setdefault(name, []).append(error)
        self._before = pictures

    def means(self) -> dict[str, float]:
        """Return the mean error of each, by name; empty if nothing could be measured."""
        return {name: sum(errors) / len(errors) for name, errors in self._errors.items()}

    @property
    def pairs(self) -> int:
        """How many pairs of frames were measured."""
        return max(map(len, self._errors.values()), default=0)

    def _ends_pair(self, index: int) -> bool:
        stride = max(1, math.ceil((self.count - 1) / MEASURED))
        return index > 0 and (index - 1) % stride == 0
