"""Fitting a style to a painting within minutes, from where the generator for any painting ends."""

import math
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from ganstyle.anystyle import is_code
from ganstyle.errors import GanstyleError, ImageError
from ganstyle.files import atomic_write
from ganstyle.images import read_image, write_image
from ganstyle.recipe import Recipe
from ganstyle.recipe.run import name_from_file
from ganstyle.runs.events import Event, OnEvent, Progress
from ganstyle.runs.state import list_states, saved_step
from ganstyle.style import Style, style_from
from ganstyle.training.loop import TrainedStyle, train

RECIPE = "fit"
EXAMPLE_PHOTO = Path(__file__).parents[1] / "assets" / "astronaut.jpg"

_TIMED_STEPS = 6  # before the speed is known; the first ones are slower and do not count
_STEPPING = 0.9  # part of the time that is left for steps rather than for scores and samples
_LONGEST = 4  # times the shorter side: a longer painting would fill the memory


@dataclass(frozen=True)
class Fitted:
    """How a fit ended.

    Attributes:
        path: the style's file.
        steps: done, those of earlier fits of the same run included; 0: the style is only baked.
        finished: False if it was interrupted; the file holds the best until then.
    """

    path: Path
    steps: int
    finished: bool


def fit(
    painting: str | Path,
    output: str | Path,
    *,
    photos: str | Path | None = None,
    minutes: float = 2.0,
    runs: str | Path | None = None,
    generator: str | Path | None = None,
    on_event: OnEvent = lambda event: None,
) -> Fitted:
    """Make a style of a painting, and train it for some minutes.

    Run again, it trains on: the run's folder keeps the state.

    Args:
        painting: its image file.
        output: the style's file.
        photos: a folder of photos to train on; None: crops of an example photo and of the painting.
        minutes: for how long; 0: no training.
        runs: the folder for runs; None: as the recipe ``fit`` says.
        generator: see `ganstyle.style.style_from`.
        on_event: told of everything that happens.

    Raises:
        GanstyleError: see `ganstyle.style.style_from` and `ganstyle.training.train`.
    """
    if not (math.isfinite(minutes) and minutes >= 0):
        raise GanstyleError(f"minutes {minutes:g}: give a number of at least 0")
    painting, output, began = Path(painting), Path(output), time.monotonic()
    style = _baked(painting, generator)
    if minutes == 0:
        style.save(output)
        return Fitted(output, 0, finished=True)
    recipe = _recipe(style, painting, photos, runs)
    timer, deadline = _Timer(), began + 60 * minutes
    done = _steps_done(recipe)
    outcome = train(_lasting(recipe, done + _TIMED_STEPS), timer)
    if outcome.finished:
        left = deadline - time.monotonic() - timer.seconds_to_start
        steps = outcome.step + max(1, int(_STEPPING * left / timer.seconds_per_step))
        outcome = train(_lasting(recipe, steps, scored=True), on_event)
    content = _best(outcome).read_bytes()
    with atomic_write(output) as temporary:
        temporary.write_bytes(content)
    return Fitted(output, outcome.step, outcome.finished)


class _Timer:
    """Measures the time between steps, and says nothing of them."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._times: list[float] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, Progress):
            self._times.append(time.monotonic())

    @property
    def seconds_to_start(self) -> float:
        """Until the end of the first step."""
        return self._times[0] - self._began if self._times else 0.0

    @property
    def seconds_per_step(self) -> float:
        """The median, in seconds."""
        steps = [after - before for before, after in zip(self._times, self._times[1:], strict=False)]
        return max(statistics.median(steps), 1e-3) if steps else 1.0


def _baked(painting: Path, generator: str | Path | None) -> Style:
    if is_code(painting):
        raise GanstyleError(f"{painting}: is a code, which training cannot look at; give the painting's file")
    style = style_from(painting, generator=generator)
    height, width = read_image(painting).shape[-2:]
    if max(height, width) > _LONGEST * min(height, width):
        raise ImageError(f"{painting}: is {width}x{height} pixels, too long to train on; give a part of it")
    return style


def _recipe(style: Style, painting: Path, photos: str | Path | None, runs: str | Path | None) -> Recipe:
    """Return the recipe of the run, and prepare what it begins with."""
    base = Recipe.load(RECIPE)
    values = base.to_dict()
    values["name"] = name_from_file(painting)
    values["style"]["path"] = str(painting)
    values["style"]["size"] = style.recipe.style.size
    values["generator"] = style.recipe.to_dict()["generator"]
    if runs is not None:
        values["run"]["dir"] = str(runs)
    recipe = Recipe.parse(values, source=RECIPE)
    start = recipe.folder / "start"
    values["init"] = str(start / "baked.safetensors")
    values["content"]["path"] = str(photos or start / "photos")
    values["score"]["content"] = values["content"]["path"]
    if not Path(values["init"]).exists():
        style.save(values["init"])
    if photos is None and not (start / "photos").is_dir():
        write_image(read_image(EXAMPLE_PHOTO), start / "photos" / "example.png")
        write_image(read_image(painting), start / "photos" / "painting.png")
    return Recipe.parse(values, source=RECIPE)


def _lasting(recipe: Recipe, steps: int, *, scored: bool = False) -> Recipe:
    """Return the recipe with so many steps, scored twice or not at all."""
    values = recipe.to_dict()
    values["steps"] = steps
    values["score"]["every"] = math.ceil(steps / 2) if scored else 0
    if not scored:
        values["run"] |= {"log_every": 1, "sample_every": 0}
    return Recipe.parse(values, source=RECIPE)


def _steps_done(recipe: Recipe) -> int:
    states = list_states(recipe.folder / "checkpoints")
    return saved_step(states[0]) if states else 0


def _best(outcome: TrainedStyle) -> Path:
    best = outcome.style.with_name("best.safetensors")
    return best if best.exists() else outcome.style
