"""When to stop: the loss has almost stopped falling, so the picture hardly changes."""

from collections import deque

WINDOW, GRADIENT_FREE_WINDOW = 20.0, 100.0
"""Evaluations over which the decrease of the loss is measured; without gradients, progress is slow."""

_STEPS = 5  # at least; a step of Newton-CG alone may take half of the window


class Convergence:
    """Detects that the best loss at one scale has almost stopped falling.

    Args:
        tolerance: stop when the relative decrease over the window is not above this; 0: never.
        window: evaluations over which the decrease is measured.
    """

    def __init__(self, tolerance: float, window: float) -> None:
        self.tolerance, self.window = tolerance, window
        self._best: deque[tuple[float, float]] = deque()

    def update(self, evaluations: float, loss: float) -> bool:
        """Record a step's loss, and return whether the optimization has converged.

        Args:
            evaluations: so far, at this scale.
            loss: not negative.
        """
        best = min(loss, self._best[-1][1]) if self._best else loss
        self._best.append((evaluations, best))
        while len(self._best) > _STEPS + 1 and self._best[1][0] <= evaluations - self.window:
            self._best.popleft()
        since, before = self._best[0]
        if len(self._best) <= _STEPS or since > evaluations - self.window:
            return False
        return self.tolerance > 0 and before - best <= self.tolerance * before
