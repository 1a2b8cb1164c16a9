"""One optimizer at work on one scale after another, under one budget."""

import time
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys.convergence import GRADIENT_FREE_WINDOW, WINDOW, Convergence
from ganstyle.gatys.events import EndedBy, Iterate, OnOptimizationEvent, StopOptimization
from ganstyle.gatys.objective import Objective
from ganstyle.gatys.optimizers import OPTIMIZERS, OutOfBudget, Problem, make_optimizer
from ganstyle.gatys.scales import Scale
from ganstyle.gatys.settings import GatysSettings
from ganstyle.runs.events import Message


class OptimizationRun:
    """The optimizer and the counters of one optimization over all its scales.

    Args:
        settings: optimizer and budget.
        began: when it did, on the clock of ``time.perf_counter``.
        callback: called after every step.
        notes: messages to report before the first step.

    Attributes:
        steps_done: over all scales.
        evaluations: over all scales.
        ended_by: what ended the work at the latest scale; see `Result`.
        history: (seconds, evaluations, loss) after each step.
    """

    def __init__(
        self,
        settings: GatysSettings,
        began: float,
        callback: OnOptimizationEvent,
        *,
        notes: Sequence[str] = (),
    ) -> None:
        self.settings, self.began, self.callback = settings, began, callback
        self.notes = list(notes)
        self.steps_done, self.evaluations = 0, 0.0
        self.ended_by: EndedBy = "steps"
        self.history: list[tuple[float, float, float]] = []

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C or the callback ended it."""
        return self.ended_by == "interrupt"

    def work_at(self, scale: Scale, objective: Objective, picture: Tensor) -> Tensor:
        """Optimize at one scale until its share of some budget is spent; return the best picture.

        Args:
            scale: which one.
            objective: what is minimized there.
            picture: (1, 3, H, W), to begin with.
        """
        shape, recent = picture.shape, dict[float, Mapping[str, Tensor]]()

        def function(x: Tensor) -> Tensor:
            loss, terms = objective(x.view(shape))
            recent[float(loss.detach())] = terms
            return loss

        problem, before = self._problem(scale, function, picture), self.evaluations
        kind = OPTIMIZERS[self.settings.optimizer]
        convergence = Convergence(
            0.0 if kind.scheduled else self.settings.tolerance,
            GRADIENT_FREE_WINDOW if kind.gradient_free else WINDOW,
        )
        self.ended_by = "steps"
        try:
            while self.notes:
                self.callback(Message(self.notes.pop(0)))
            optimizer = make_optimizer(
                self.settings.optimizer,
                problem,
                picture.flatten(),
                options=self.settings.optimizer_options,
                seed=self.settings.seed,
            )
            while self.steps_done < round(self.settings.steps * scale.steps_until):
                point = optimizer.step()
                self.evaluations = round(before + problem.evaluations, 3)  # no 64.39999
                if problem.best is None:
                    raise GanstyleError(
                        "the loss is not finite at the start; check the images, the weights and the network"
                    )
                if point is None:
                    self.ended_by = "optimizer"
                    self.callback(Message(f"no further progress at {scale.shorter_side} px"))
                    break
                self.steps_done += 1
                terms = recent.get(point.loss, {})
                self._report(scale, point.loss, point.x.view(shape), terms)
                recent.clear()
                recent[point.loss] = terms  # the next step may stay where it is
                if convergence.update(problem.evaluations, point.loss):
                    self.ended_by = "tolerance"
                    self.callback(Message(_converged(scale, convergence, self.steps_done)))
                    break
        except OutOfBudget as limit:
            self.ended_by = limit.what
        except (KeyboardInterrupt, StopOptimization):
            self.ended_by = "interrupt"
        self.evaluations = round(before + problem.evaluations, 3)
        return picture if problem.best is None else problem.best.x.view(shape)

    def _problem(self, scale: Scale, function: Callable[[Tensor], Tensor], picture: Tensor) -> Problem:
        settings, before = self.settings, self.evaluations
        _, channels, height, width = picture.shape
        problem = Problem(
            function,
            lower=0.0,
            upper=1.0,
            max_evaluations=None
            if settings.max_evaluations is None
            else settings.max_evaluations * scale.steps_until - before,
            deadline=None
            if settings.seconds is None
            else self.began + settings.seconds * scale.seconds_until,
            grid=(channels, height, width),
            spent=lambda: self._spent(before + problem.evaluations),
            note=lambda text: self.callback(Message(text)),
        )
        return problem

    def _report(self, scale: Scale, loss: float, image: Tensor, terms: Mapping[str, Tensor]) -> None:
        elapsed = time.perf_counter() - self.began
        self.history.append((elapsed, self.evaluations, loss))
        self.callback(
            Iterate(
                step=self.steps_done,
                steps=self.settings.steps,
                evaluations=self.evaluations,
                seconds=elapsed,
                scale=scale.shorter_side,
                loss=loss,
                terms={name: float(value) for name, value in terms.items()},
                image=image,
            )
        )

    def _spent(self, evaluations: float) -> float:
        """Return the spent fraction of the limit that is nearest."""
        fractions = [self.steps_done / self.settings.steps]
        if self.settings.seconds is not None:
            fractions.append((time.perf_counter() - self.began) / self.settings.seconds)
        if self.settings.max_evaluations is not None:
            fractions.append(evaluations / self.settings.max_evaluations)
        return min(max(fractions), 1.0)


def _converged(scale: Scale, convergence: Convergence, steps: int) -> str:
    return (
        f"{scale.shorter_side} px: converged after {steps} steps in all; "
        f"the loss fell by less than {convergence.tolerance:.2%} over {convergence.window:.0f} evaluations"
    )
