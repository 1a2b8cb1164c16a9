"""Speed, time left and the curves, reported every so many steps."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from ganstyle.runs.events import Progress
from ganstyle.runs.run import Run
from ganstyle.runs.tracking import Tracker


class ProgressMeter:
    """Reports a run's progress; all processes call it together, the main one writes.

    Args:
        run: the run.
        tracker: where the curves go.
        step: where the run starts.
        images_per_step: what all processes together learn from.
    """

    def __init__(self, run: Run, tracker: Tracker, *, step: int, images_per_step: int) -> None:
        self._run = run
        self._tracker = tracker
        self._images_per_step = images_per_step
        self.start(step)

    def start(self, step: int) -> None:
        """Measure the time from now on, after so many steps."""
        self._since, self._step = time.perf_counter(), step

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the block's time out: the speed that is reported is that of training alone."""
        began = time.perf_counter()
        yield
        self._since += time.perf_counter() - began

    def report(self, step: int, log: Mapping[str, Tensor], others: Mapping[str, float]) -> None:
        """Report what was measured in this step.

        Args:
            step: steps done.
            log: scalars by TensorBoard name, averaged over the processes here.
            others: what is the same on every process.
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
    """Average what was measured on each batch of a step, over the batches that it was measured on.

    Args:
        logs: scalars by name, in the order of the batches.
    """
    names = dict.fromkeys(name for log in logs for name in log)
    values = {name: [log[name].float() for log in logs if name in log] for name in names}
    return {name: torch.stack(measured).mean() for name, measured in values.items()}
