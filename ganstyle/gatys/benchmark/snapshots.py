"""What an optimizer had in hand at set moments of its budget, kept to be judged later."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ganstyle.gatys.events import Event, Iterate, Note

MARKS = sorted({1.08**-k for k in range(70)} | {0.25, 0.5})
"""Fractions of the budget at which the picture in hand is kept, closer together early on."""


@dataclass(frozen=True)
class Budget:
    """How much a trial may spend, in seconds or in evaluations of the network."""

    unit: Literal["seconds", "evaluations"]
    amount: float

    def spent(self, seconds: float, evaluations: float) -> float:
        """Return what is spent, as a fraction."""
        return (seconds if self.unit == "seconds" else evaluations) / self.amount


@dataclass(frozen=True)
class Snapshot:
    """The best picture so far, by the optimizer's own account, at one moment.

    Attributes:
        seconds: when it was found.
        evaluations: how many it took.
        path: the picture, (1, 3, H, W) float32 as NumPy saves it.
    """

    seconds: float
    evaluations: float
    path: Path

    def picture(self) -> Tensor:
        """Read the picture."""
        return torch.from_numpy(np.load(self.path))


class Snapshots:
    """A callback of `optimize` that keeps on disk what was in hand when each of ``MARKS`` was passed.

    On disk, because a list of pictures would count as the optimizer's memory.

    Args:
        folder: for the pictures.
        budget: what the marks are fractions of.
    """

    def __init__(self, folder: Path, budget: Budget) -> None:
        self.kept: list[Snapshot] = []
        self.notes: list[str] = []
        self._folder, self._budget = folder, budget
        self._best: Iterate | None = None
        self._best_is_kept = False
        self._marks = list(MARKS)

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        if isinstance(event, Note):
            self.notes.append(event.text)
            return
        passed = False
        spent = self._budget.spent(event.seconds, event.evaluations)
        while self._marks and spent > self._marks[0]:
            self._marks.pop(0)
            passed = True
        if passed:
            self._keep_best()
        if self._best is None or event.loss < self._best.loss:
            self._best, self._best_is_kept = event, False

    def finish(self, image: Tensor, seconds: float, evaluations: float) -> None:
        """Keep the result."""
        self._keep_best()
        self._keep(image, seconds, evaluations)

    def _keep_best(self) -> None:
        if self._best is not None and not self._best_is_kept:
            self._keep(self._best.image, self._best.seconds, self._best.evaluations)
            self._best_is_kept = True

    def _keep(self, image: Tensor, seconds: float, evaluations: float) -> None:
        path = self._folder / f"{len(self.kept):03}.npy"
        np.save(path, image.float().cpu().numpy())
        self.kept.append(Snapshot(seconds, evaluations, path))
