"""Events of a run; the command line, the GUI and the tests receive the same ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Progress:
    """The progress after a step.

    Attributes:
        step: steps done, of ``steps``.
        images_per_second: over all processes, since the last report.
        eta_seconds: time left at this speed.
        values: every logged value by its TensorBoard name, averaged over the processes.
    """

    step: int
    steps: int
    images_per_second: float
    eta_seconds: float
    values: Mapping[str, float]


@dataclass(frozen=True)
class Saved:
    """A training state, a style or a sample grid was written."""

    step: int
    path: Path


@dataclass(frozen=True)
class Scored:
    """The EMA generator was scored on the validation photos."""

    step: int
    scores: Mapping[str, float]


@dataclass(frozen=True)
class Message:
    """A line for the user: what is resumed, which weights are used, a step that was skipped."""

    text: str


Event = Progress | Saved | Scored | Message
OnEvent = Callable[[Event], None]
