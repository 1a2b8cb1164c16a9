"""Progress reports: losses, speed and time left."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from accelerate import Accelerator
from torch import Tensor

from ganstyle.runs.events import Progress
from ganstyle.runs.run import Run
from ganstyle.runs.tracking import Tracker


class ProgressMeter:
    """Reports a run's progress. All processes call its methods together; only the main one writes.

    Args:
        run: the run.
        tracker: gets the curves.
        step: steps done at the start.
        images_per_step: of all processes together.
    """

    def __init__(self, run: Run, tracker: Tracker, *, step: int, images_per_step: int) -> None:
        self._run = run
        self._tracker = tracker
        self._images_per_step = images_per_step
        self.start(step)

    def start(self, step: int) -> None:
        """Start the clock after ``step`` steps."""
        self._since, self._step = time.perf_counter(), step

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the clock during the block, so that the speed is that of training alone."""
        began = time.perf_counter()
        yield
        self._since += time.perf_counter() - began

    def report(self, step: int, log: Mapping[str, Tensor], others: Mapping[str, float]) -> None:
        """Report the measurements of a step.

        Args:
            step: steps done.
            log: scalars by TensorBoard name, averaged over the processes here.
            others: values that are the same on every process.
        """
        run = self._run
        stacked = run.accelerator.reduce(torch.stack(list(log.values())), "mean")
        values = dict(zip(log, stacked.tolist(), strict=True))
        seconds = max(time.perf_counter() - self._since, 1e-9)
        steps = step - self._step
        speed = steps * self._images_per_step / seconds
        values |= {"speed/images_per_second": speed, **others}
        eta = (run.recipe.steps - step) * seconds / max(steps, 1)
        self._tracker.values(step, values)
        run.report(Progress(step, run.recipe.steps, speed, eta, values))
        self.start(step)


def mean_log(logs: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Average each value over those batches of a step that have it.

    Args:
        logs: scalars by name, in the order of the batches.
    """
    names = dict.fromkeys(name for log in logs for name in log)
    values = {name: [log[name].float() for log in logs if name in log] for name in names}
    return {name: torch.stack(measured).mean() for name, measured in values.items()}


def mean_of_all(accelerator: Accelerator, values: Sequence[Tensor]) -> float:
    """Return the mean of scalars over all processes, which call it together with as many of them each."""
    return float(accelerator.reduce(torch.stack(list(values)).float().mean(), "mean"))
