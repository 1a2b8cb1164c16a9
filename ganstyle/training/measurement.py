"""A few real steps of a phase in a temporary folder, to learn what a training takes."""

from collections.abc import Callable, Sequence
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


def measure_phases(
    recipe: Recipe, phases: Sequence[PhaseSection], stopped: Callable[[], bool] = lambda: False
) -> list[PhaseMeasurement] | None:
    """Measure each phase; of those with crops of one size and one feature network, only the first.

    Args:
        recipe: of the training.
        phases: its phases, or some of them.
        stopped: asked after each measurement whether to give up.

    Returns:
        In the order of the phases; None if it was interrupted or told to stop.

    Raises:
        GanstyleError: see `measure_phase`.
    """
    alike = [(phase.image_size or recipe.image_size, phase.vgg or recipe.vgg) for phase in phases]
    measured: dict[tuple[int, str], PhaseMeasurement] = {}
    for key, phase in zip(alike, phases, strict=True):
        if key not in measured:
            found = measure_phase(recipe, phase)
            if found is None or stopped():
                return None
            measured[key] = found
    return [measured[key] for key in alike]


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
