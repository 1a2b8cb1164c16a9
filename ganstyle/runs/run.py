"""A run: its recipe, its processes and its messages; and what a training must provide to be one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from torch import nn

from ganstyle.errors import RunError
from ganstyle.recipe import RunRecipe
from ganstyle.runs.events import Event, Message, OnEvent
from ganstyle.runs.guard import Guard
from ganstyle.runs.inputs import TrainingInputs
from ganstyle.runs.interrupt import Listener
from ganstyle.runs.launch import start_accelerator
from ganstyle.runs.lock import lock_run
from ganstyle.runs.resume import find_state, is_own_state
from ganstyle.runs.state import load_state
from ganstyle.runs.trackers import check_trackers


class RunState(Protocol):
    """Everything that a training step changes.

    Attributes:
        step: steps done.
        photos: photos drawn so far by all processes together.
        seconds: time spent training so far, without scoring and saving.
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
        """Whether all processes hold the same state, so that one can save it for all."""
        ...

    def state_dict(self, accelerator: Accelerator, /) -> dict[str, Any]:
        """Return the state of this process as plain values and tensors, which may be live."""
        ...

    def gather(self, accelerator: Accelerator, values: dict[str, Any], /) -> dict[str, Any]:
        """Combine the processes' values of ``state_dict`` into what is saved. A collective call."""
        ...

    def load_state_dict(self, accelerator: Accelerator, values: dict[str, Any], /) -> None:
        """Load saved values; KeyError, RuntimeError or ValueError if they are of other networks."""
        ...


@dataclass(frozen=True)
class Run:
    """A run that has been started.

    Attributes:
        recipe: of the run.
        accelerator: connects its processes.
        on_event: receives the events, on the main process only.
        resume_from: the saved state that it continues from; None for a fresh start.
    """

    recipe: RunRecipe
    accelerator: Accelerator
    on_event: OnEvent
    resume_from: Path | None

    def report(self, event: Event) -> None:
        """Report an event, on the main process."""
        if self.accelerator.is_main_process:
            self.on_event(event)

    def say(self, text: str) -> None:
        """Report a message to the user."""
        self.report(Message(text))


@contextmanager
def start_run(recipe: RunRecipe, on_event: OnEvent, *, accumulate: int = 1) -> Iterator[Run]:
    """Start Accelerate, lock the run's folder, and find the state to continue from.

    Args:
        recipe: of the run.
        on_event: receives the events, on the main process only.
        accumulate: batches per step.

    Raises:
        GanstyleError: the processes would each train alone, or the folder must not be touched.
        OSError: at the end, if ``on_event`` could not write any more; the run has saved and stopped then.
    """
    check_trackers(recipe.run.trackers)
    accelerator = start_accelerator(recipe.precision, accumulate=accumulate)
    listener = Listener(on_event, accelerator)
    with lock_run(recipe.folder, accelerator):
        run = Run(recipe, accelerator, listener, None)
        yield replace(run, resume_from=find_state(recipe, run.say))
    listener.close()


def resume_run(run: Run, state: RunState, guard: Guard, inputs: TrainingInputs) -> None:
    """Load the saved state that the run continues from, if any.

    Args:
        run: the run.
        state: of the training, as it begins.
        guard: likewise.
        inputs: what the training learns from now.

    Raises:
        RunError: it is damaged, belongs to other networks, or is the run's own and learned from other inputs.
    """
    if run.resume_from:
        load_state(run.resume_from, _Resumed(run, state, guard, inputs), run.accelerator)
        run.say(f"resumed from {run.resume_from} at step {state.step}")


@dataclass(frozen=True)
class _Resumed:
    """What is loaded together; version 0.1.0 saved no guard, and did not say what it learned from."""

    run: Run
    state: RunState
    guard: Guard
    inputs: TrainingInputs

    def load_state_dict(self, accelerator: Accelerator, values: dict[str, Any]) -> None:
        self.state.load_state_dict(accelerator, values)
        if "guard" in values:
            self.guard.load_state_dict(values["guard"])
        if "inputs" in values and (difference := self.inputs.difference(values["inputs"])):
            self._tell(difference)

    def _tell(self, difference: str) -> None:
        state = self.run.resume_from
        if state and is_own_state(self.run.recipe, state):
            raise RunError(
                f"{difference}; put the former back (a network by GANSTYLE_VGG16=FILE), or continue with the "
                f"latter in a new run: name=OTHER resume={state}"
            )
        self.run.say(f"{state}: {difference}; losses and scores before and after do not compare")
