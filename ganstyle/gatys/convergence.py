"""When to stop: the loss has almost stopped falling, so the picture hardly changes."""

from collections import deque

WINDOW = 20.0
"""Evaluations over which the decrease of the loss is measured."""

_STEPS = 5  # at least; a step of Newton-CG alone may take half of the window


class Convergence:
    """Detects that the best loss at one scale has almost stopped falling.

    Args:
        tolerance: stop when the relative decrease over the last ``WINDOW`` evaluations is below this;
            0: never.
    """

    def __init__(self, tolerance: float) -> None:
        self.tolerance = tolerance
        self._best: deque[tuple[float, float]] = deque()

    def update(self, evaluations: float, loss: float) -> bool:
        """Record a step's loss, and return whether the optimization has converged.

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
