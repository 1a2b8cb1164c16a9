"""Fitting a style to a painting within minutes, from where the generator for any painting ends."""

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

from ganstyle.anystyle import is_code
from ganstyle.errors import GanstyleError, ImageError
from ganstyle.files import atomic_write, sha256
from ganstyle.images import read_image, write_image
from ganstyle.recipe import Recipe
from ganstyle.recipe.run import name_from_file
from ganstyle.runs.events import Message, OnEvent
from ganstyle.runs.state import steps_done
from ganstyle.style import Style, style_from
from ganstyle.training.budget import fit_to_time
from ganstyle.training.loop import train

RECIPE = "fit"
EXAMPLE_PHOTO = Path(__file__).parents[1] / "assets" / "astronaut.jpg"

_UNKNOWN = 10**9  # steps
_BAKED = Path("start", "baked.safetensors")  # in the run's folder: what it begins with
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
    done = steps_done(recipe.folder)
    # A run that has reached its steps gets as much longer as fits the time.
    recipe = recipe.model_copy(update={"steps": done or _UNKNOWN})
    left = 60 * minutes - (time.monotonic() - began)
    fitted = fit_to_time(recipe, left, lambda text: on_event(Message(text)))
    finished = False
    if fitted.steps != recipe.steps:  # otherwise Ctrl-C came while the speed was measured
        score = fitted.score.model_copy(update={"every": math.ceil(fitted.steps / 2)})
        outcome = train(fitted.model_copy(update={"score": score}), on_event)
        done, finished = outcome.step, outcome.finished
    content = _best(recipe).read_bytes()
    with atomic_write(output) as temporary:
        temporary.write_bytes(content)
    return Fitted(output, done, finished)


def is_unfinished(painting: str | Path, output: str | Path, *, runs: str | Path | None = None) -> bool:
    """Return whether a file is what an interrupted fit wrote, so that one with the same arguments goes on.

    Args:
        painting: as for `fit`, like the rest.
        output: may be missing.
        runs: the folder for runs.
    """
    folder, output = _named(Path(painting), runs).folder, Path(output)
    made = [path for path in (*_trained(folder), folder / _BAKED) if path.is_file()]
    if not output.is_file() or sha256(output) not in map(sha256, made):
        return False
    kept = folder / "recipe.yaml"
    return not kept.exists() or steps_done(folder) < Recipe.load(str(kept)).steps


def _baked(painting: Path, generator: str | Path | None) -> Style:
    if is_code(painting):
        raise GanstyleError(f"{painting}: is a code, which cannot be trained on; give the painting's file")
    style = style_from(painting, generator=generator)
    height, width = read_image(painting).shape[-2:]
    if max(height, width) > _LONGEST * min(height, width):
        raise ImageError(f"{painting}: is {width}x{height} pixels, too long to train on; crop it")
    return style


def _recipe(style: Style, painting: Path, photos: str | Path | None, runs: str | Path | None) -> Recipe:
    """Return the recipe of the run, and prepare what it begins with."""
    recipe = _named(painting, runs)
    values, baked = recipe.to_dict(), recipe.folder / _BAKED
    values["style"]["path"] = str(painting)
    values["style"]["size"] = style.recipe.style.size
    values["generator"] = style.recipe.to_dict()["generator"]
    crops = baked.with_name("photos")
    values["init"] = str(baked)
    values["content"]["path"] = str(photos or crops)
    values["score"]["content"] = values["content"]["path"]
    if not baked.exists():
        style.save(baked)
    if photos is None and not crops.is_dir():
        write_image(read_image(EXAMPLE_PHOTO), crops / "example.png")
        write_image(read_image(painting), crops / "painting.png")
    return Recipe.parse(values, source=RECIPE)


def _named(painting: Path, runs: str | Path | None) -> Recipe:
    """Return the recipe ``fit``, its run named after the painting and in its folder."""
    values = Recipe.load(RECIPE).to_dict()
    values["name"] = name_from_file(painting)
    if runs is not None:
        values["run"]["dir"] = str(runs)
    return Recipe.parse(values, source=RECIPE)


def _best(recipe: Recipe) -> Path:
    """Return the best style's file; that which training begins with, if nothing has scored better since."""
    lines = recipe.folder / "scores.jsonl"
    scores = [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []
    known = {score["weighted"]: score["step"] for score in scores if score["weighted"] is not None}
    if known and known[min(known)] == 0:
        return Path(recipe.init or "")
    return next((path for path in _trained(recipe.folder) if path.exists()), Path(recipe.init or ""))


def _trained(folder: Path) -> list[Path]:
    """Return the files of a run's trained styles, the best first; they may be missing."""
    return [folder / name for name in ("best.safetensors", "style.safetensors")]
