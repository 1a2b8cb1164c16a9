"""One optimizer at work on one scale after another, under one budget."""

import time
from collections.abc import Mapping

from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys.events import Iterate, Note, OnEvent, StopOptimization
from ganstyle.gatys.objective import Objective
from ganstyle.gatys.optimizers import Optimizer, OutOfBudget, Problem
from ganstyle.gatys.scales import Scale


class OptimizationRun:
    """The counters of one optimization over all its scales.

    Args:
        began: when it did, on the clock of ``time.perf_counter``.
        steps: the most steps.
        seconds: the most seconds since ``began``; None: no limit.
        max_evaluations: the most evaluations; None: no limit.
        callback: told about every step.

    Attributes:
        steps_done: over all scales.
        evaluations: over all scales.
        interrupted: whether Ctrl-C or the callback ended it.
        history: (seconds, evaluations, loss) after each step.
    """

    def __init__(
        self,
        began: float,
        steps: int,
        seconds: float | None,
        max_evaluations: float | None,
        callback: OnEvent,
    ) -> None:
        self.began, self.steps, self.seconds = began, steps, seconds
        self.max_evaluations, self.callback = max_evaluations, callback
        self.steps_done, self.evaluations = 0, 0.0
        self.interrupted = False
        self.history: list[tuple[float, float, float]] = []

    def descend(
        self,
        scale: Scale,
        objective: Objective,
        picture: Tensor,
        kind: type[Optimizer],
        options: Mapping[str, object],
    ) -> Tensor:
        """Work at one scale until its share of some budget is spent; return the best picture."""
        shape, recent = picture.shape, dict[float, Mapping[str, Tensor]]()

        def function(x: Tensor) -> Tensor:
            loss, terms = objective(x.view(shape))
            recent[float(loss.detach())] = terms
            return loss

        before = self.evaluations
        problem = Problem(
            function,
            lower=0.0,
            upper=1.0,
            max_evaluations=None
            if self.max_evaluations is None
            else self.max_evaluations * scale.steps_until - before,
            deadline=None if self.seconds is None else self.began + self.seconds * scale.seconds_until,
            grid=(shape[1], shape[2], shape[3]),
            spent=lambda: self._spent(before + problem.evaluations),
            note=lambda text: self.callback(Note(text)),
        )
        try:
            worker = kind(problem, picture.flatten(), **options)
            while self.steps_done < round(self.steps * scale.steps_until):
                recent.clear()
                point = worker.step()
                self.evaluations = round(before + problem.evaluations, 3)  # no 64.39999
                if problem.best is None:
                    raise GanstyleError(
                        "the loss is not finite at the start; check the images, the weights and the network"
                    )
                if point is None:
                    self.callback(Note(f"no further progress at {scale.scale} px"))
                    break
                self.steps_done += 1
                elapsed = time.perf_counter() - self.began
                self.history.append((elapsed, self.evaluations, point.loss))
                self.callback(
                    Iterate(
                        step=self.steps_done,
                        steps=self.steps,
                        evaluations=self.evaluations,
                        seconds=elapsed,
                        scale=scale.scale,
                        loss=point.loss,
                        terms={name: float(value) for name, value in recent.get(point.loss, {}).items()},
                        image=point.x.view(shape),
                    )
                )
        except OutOfBudget:
            pass
        except (KeyboardInterrupt, StopOptimization):
            self.interrupted = True
        self.evaluations = round(before + problem.evaluations, 3)
        return picture if problem.best is None else problem.best.x.view(shape)

    def _spent(self, evaluations: float) -> float:
        """Return the fraction of that limit which is nearest."""
        fractions = [self.steps_done / self.steps]
        if self.seconds is not None:
            fractions.append((time.perf_counter() - self.began) / self.seconds)
        if self.max_evaluations is not None:
            fractions.append(evaluations / self.max_evaluations)
        return min(max(fractions), 1.0)
