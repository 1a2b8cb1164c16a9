"""Speed, time left and the curves, reported every so many steps."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from accelerate import Accelerator
from torch import Tensor

from ganstyle.recipe import RunRecipe
from ganstyle.runs.events import OnEvent, Progress
from ganstyle.runs.tracking import Tracker


class ProgressMeter:
    """Reports a run's progress; all processes call it together, the main one writes.

    Args:
        recipe: says how often, and when the run ends.
        accelerator: which of the processes this is.
        tracker: where the curves go.
        on_event: told of the progress, on the main process only.
        step: where the run starts.
        images_per_step: seen by all processes together.
    """

    def __init__(
        self,
        recipe: RunRecipe,
        accelerator: Accelerator,
        tracker: Tracker,
        on_event: OnEvent,
        *,
        step: int,
        images_per_step: int,
    ) -> None:
        self._recipe = recipe
        self._accelerator = accelerator
        self._tracker = tracker
        self._on_event = on_event
        self._images_per_step = images_per_step
        self._since = time.perf_counter()
        self._step = step

    def start(self) -> None:
        """Begin to measure the time now."""
        self._since = time.perf_counter()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the block's time out: the speed that is reported is that of training alone."""
        began = time.perf_counter()
        yield
        self._since += time.perf_counter() - began

    def report(self, step: int, log: Mapping[str, Tensor], *, learning_rate: float) -> None:
        """Report what was measured in this step: scalars, averaged over the processes."""
        stacked = self._accelerator.reduce(torch.stack([v.float() for v in log.values()]), "mean")
        values = dict(zip(log, stacked.tolist(), strict=True))
        seconds = max(time.perf_counter() - self._since, 1e-9)
        steps = step - self._step
        speed = steps * self._images_per_step / seconds
        values |= {"speed/images_per_second": speed, "learning_rate": learning_rate}
        eta = (self._recipe.steps - step) * seconds / max(steps, 1)
        self._tracker.values(step, values)
        self._on_event(Progress(step, self._recipe.steps, speed, eta, values))
        self._since, self._step = time.perf_counter(), step
