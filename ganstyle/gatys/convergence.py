"""When to stop: the loss no longer falls, so the picture no longer changes."""

from collections import deque

WINDOW = 20.0
"""Evaluations over which the fall of the loss is measured."""

_STEPS = 5  # at least; a step of Newton-CG alone may take half of the window


class Convergence:
    """Tells when the best loss at one scale has nearly stopped falling.

    Args:
        tolerance: relative fall over the last ``WINDOW`` evaluations below which it is over; 0: never.
    """

    def __init__(self, tolerance: float) -> None:
        self.tolerance = tolerance
        self._best: deque[tuple[float, float]] = deque()

    def update(self, evaluations: float, loss: float) -> bool:
        """Take note of a step's loss, and say whether it is over.

        Args:
            evaluations: so far, at this scale.
            loss: positive.
        """
        best = min(loss, self._best[-1][1]) if self._best else loss
        self._best.append((evaluations, best))
        while len(self._best) > _STEPS + 1 and self._best[1][0] <= evaluations - WINDOW:
            self._best.popleft()
        since, before = self._best[0]
        if len(self._best) <= _STEPS or since > evaluations - WINDOW:
            return False
        return before - best < self.tolerance * before
