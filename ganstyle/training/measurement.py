"""A few real steps of a phase in a temporary folder, to learn what a training takes."""

from dataclasses import dataclass
from tempfile import TemporaryDirectory

from ganstyle.recipe import PhaseSection, Recipe
from ganstyle.runs.events import Event, Progress
from ganstyle.training.loop import train

_STEPS = 3


@dataclass(frozen=True)
class PhaseMeasurement:
    """What a few steps took.

    Attributes:
        seconds: of each step; the first one warms up.
        state_bytes: of a training state.
        style_bytes: of the style.
    """

    seconds: list[float]
    state_bytes: int
    style_bytes: int


def measure_phase(recipe: Recipe, phase: PhaseSection) -> PhaseMeasurement | None:
    """Train a few steps of a phase from random weights, without samples, scores and trackers.

    Args:
        recipe: of the training; its run's folder is not touched.
        phase: one of its phases, wherever it ends.

    Returns:
        None if it was interrupted.

    Raises:
        GanstyleError: see `ganstyle.training.train`.
    """
    rates: list[float] = []

    def note(event: Event) -> None:
        if isinstance(event, Progress):
            rates.append(event.images_per_second)

    with TemporaryDirectory(prefix="ganstyle-measure-") as folder:
        run = {"dir": folder, "log_every": 1, "save_every": 0, "sample_every": 0, "trackers": []}
        brief = recipe.model_copy(
            update={
                "steps": _STEPS,
                "init": None,
                "resume": "auto",
                "phases": [phase.model_copy(update={"until": 1.0})],
                "run": recipe.run.model_copy(update=run),
                "score": recipe.score.model_copy(update={"every": 0}),
            }
        )
        result = train(brief, note)
        if not (result.finished and rates):
            return None
        state = sum(path.stat().st_size for path in (brief.folder / "checkpoints").rglob("*.*"))
        style = result.style.stat().st_size
    images = recipe.batch_size * recipe.accumulate
    return PhaseMeasurement([images / rate for rate in rates], state, style)
