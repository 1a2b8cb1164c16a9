"""A run: its recipe, the processes that carry it out, and what it tells the user."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from torch import nn

from ganstyle.recipe import RunRecipe
from ganstyle.runs.events import Event, Message, OnEvent
from ganstyle.runs.guard import Guard
from ganstyle.runs.interrupt import Listener
from ganstyle.runs.launch import start_accelerator
from ganstyle.runs.lock import lock_run
from ganstyle.runs.resume import find_state
from ganstyle.runs.state import load_state


class RunState(Protocol):
    """Everything that a step changes, of any kind of training.

    Attributes:
        step: steps done.
        photos: photos drawn so far by all processes together.
        seconds: time spent training so far, scoring and saving left out.
    """

    step: int
    photos: int
    seconds: float

    @property
    def network(self) -> nn.Module:
        """The network whose weights must be the same on every process, as prepared by Accelerate."""
        ...

    @property
    def optimizer(self) -> AcceleratedOptimizer:
        """The optimizer whose learning rate is reported."""
        ...

    @property
    def replicated(self) -> bool:
        """Whether all processes hold the same, so that one of them can save it for all."""
        ...

    def state_dict(self, accelerator: Accelerator, /) -> dict[str, Any]:
        """Return what this process holds as plain values and tensors, which may be the live ones."""
        ...

    def gather(self, accelerator: Accelerator, values: dict[str, Any], /) -> dict[str, Any]:
        """Return what to save of ``state_dict``'s values and those of the other processes.

        All processes call it together.
        """
        ...

    def load_state_dict(self, accelerator: Accelerator, values: dict[str, Any], /) -> None:
        """Take over values; KeyError, RuntimeError or ValueError if they belong to other networks."""
        ...


@dataclass(frozen=True)
class Run:
    """A run that has been started.

    Attributes:
        recipe: what it was told.
        accelerator: which of the processes this is.
        on_event: told of everything that happens, on the main process only.
        resume_from: the saved state that it continues from; None: it starts afresh.
    """

    recipe: RunRecipe
    accelerator: Accelerator
    on_event: OnEvent
    resume_from: Path | None

    def report(self, event: Event) -> None:
        """Pass on an event, on the main process."""
        if self.accelerator.is_main_process:
            self.on_event(event)

    def say(self, text: str) -> None:
        """Tell the user a line."""
        self.report(Message(text))


@contextmanager
def start_run(recipe: RunRecipe, on_event: OnEvent, *, accumulate: int = 1) -> Iterator[Run]:
    """Join the other processes of a launch, hold the run's folder, and find out what is to be continued.

    Args:
        recipe: what to do.
        on_event: told of everything that happens, on the main process only.
        accumulate: batches per step.

    Raises:
        GanstyleError: the processes do not know of each other, or the folder must not be touched.
        OSError: at the end, if ``on_event`` could not write any more; the run has saved and stopped then.
    """
    accelerator = start_accelerator(recipe.precision, accumulate=accumulate)
    listener = Listener(on_event, accelerator)
    with lock_run(recipe.folder, accelerator):
        run = Run(recipe, accelerator, listener, None)
        yield replace(run, resume_from=find_state(recipe, run.say))
    listener.close()


def resume_run(run: Run, state: RunState, guard: Guard) -> None:
    """Continue from the saved state that the run was started from, if there is one.

    Raises:
        RunError: it is damaged, or belongs to other networks.
    """
    if run.resume_from:
        load_state(run.resume_from, _Guarded(state, guard), run.accelerator)
        run.say(f"resumed from {run.resume_from} at step {state.step}")


@dataclass(frozen=True)
class _Guarded:
    """A state that is loaded with its guard's counts; version 0.1.0 saved none."""

    state: RunState
    guard: Guard

    def load_state_dict(self, accelerator: Accelerator, values: dict[str, Any]) -> None:
        self.state.load_state_dict(accelerator, values)
        if "guard" in values:
            self.guard.load_state_dict(values["guard"])
