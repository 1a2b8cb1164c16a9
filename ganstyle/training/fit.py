"""Fitting a style to a painting within minutes, from where the generator for any painting ends."""

import hashlib
import json
import math
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ganstyle.anystyle import find_any, is_code
from ganstyle.errors import GanstyleError, ImageError
from ganstyle.files import atomic_write, sha256
from ganstyle.images import read_image, write_image
from ganstyle.recipe import Recipe
from ganstyle.recipe.run import name_from_file
from ganstyle.runs.events import Message, OnEvent
from ganstyle.runs.history import BEST
from ganstyle.runs.score_log import comparable_lines
from ganstyle.runs.state import steps_done
from ganstyle.shipped import EXAMPLE_PHOTO
from ganstyle.style import Style, style_from
from ganstyle.training.budget import fit_to_time
from ganstyle.training.loop import train

RECIPE = "fit"

_UNKNOWN = 10**9  # steps
_BAKED = Path("start", "baked.safetensors")  # in the run's folder: what it begins with
_LONGEST = 4  # times the shorter side: a longer painting would fill the memory


@dataclass(frozen=True)
class Fitted:
    """How a fit ended.

    Attributes:
        path: the style's file.
        steps: done, those of earlier fits of the same run included.
        finished: False if it was interrupted; the file holds the best until then.
        trained: False: the file holds what the training began with, and nothing better came of it.
    """

    path: Path
    steps: int
    finished: bool
    trained: bool


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
        return Fitted(output, 0, finished=True, trained=False)
    recipe = _recipe(style, painting, photos, runs, generator)
    # A run that has reached its steps gets as much longer as fits the time.
    recipe = recipe.model_copy(update={"steps": steps_done(recipe.folder) or _UNKNOWN})
    finished = False
    with suppress(KeyboardInterrupt):  # before and after its steps, a training does not handle it
        fitted = fit_to_time(
            recipe, 60 * minutes - (time.monotonic() - began), lambda text: on_event(Message(text))
        )
        if fitted.steps != recipe.steps:  # otherwise Ctrl-C came while the speed was measured
            score = fitted.score.model_copy(update={"every": math.ceil(fitted.steps / 2)})
            finished = train(fitted.model_copy(update={"score": score}), on_event).finished
    best = _best(recipe)
    content = best.read_bytes()
    with atomic_write(output) as temporary:
        temporary.write_bytes(content)
    return Fitted(output, steps_done(recipe.folder), finished, trained=best in _trained(recipe.folder))


def is_unfinished(
    painting: str | Path,
    output: str | Path,
    *,
    photos: str | Path | None = None,
    runs: str | Path | None = None,
) -> bool:
    """Return whether a file is what an interrupted fit wrote, so that one with the same arguments goes on.

    Args:
        painting: as for `fit`, like the rest; may be missing.
        output: may be missing.
        photos: the folder of photos.
        runs: the folder for runs.
    """
    painting, output = Path(painting), Path(output)
    if not (painting.is_file() and output.is_file()):
        return False
    folder = _named(painting, photos, runs, None).folder
    made = [path for path in (*_trained(folder), folder / _BAKED) if path.is_file()]
    if sha256(output) not in map(sha256, made):
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


def _recipe(
    style: Style,
    painting: Path,
    photos: str | Path | None,
    runs: str | Path | None,
    generator: str | Path | None,
) -> Recipe:
    """Return the recipe of the run, and prepare what it begins with."""
    recipe = _named(painting, photos, runs, generator)
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
    for source, name in ((EXAMPLE_PHOTO, "example.png"), (painting, "painting.png")):
        if photos is None and not (crops / name).exists():
            write_image(read_image(source), crops / name)
    return Recipe.parse(values, source=RECIPE)


def _named(
    painting: Path, photos: str | Path | None, runs: str | Path | None, generator: str | Path | None
) -> Recipe:
    """Return the recipe ``fit``, its run named after the painting and in its folder.

    Many paintings may have one name, and a file may be replaced by another. So each has a folder of its own,
    as it has with other photos or another generator, of which the run could not be continued either.
    """
    values = Recipe.load(RECIPE).to_dict()
    values["name"] = name_from_file(painting)
    given = [str(painting), sha256(painting), str(photos), sha256(find_any(generator))]
    folder = hashlib.sha256("\n".join(given).encode()).hexdigest()[:8]
    values["run"]["dir"] = str(Path(values["run"]["dir"] if runs is None else runs, folder))
    return Recipe.parse(values, source=RECIPE)


def _best(recipe: Recipe) -> Path:
    """Return the best style's file; that which training begins with, if nothing has scored better since."""
    lines = recipe.folder / "scores.jsonl"
    scores = [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []
    scores = comparable_lines(scores)
    known = {score["weighted"]: score["step"] for score in scores if score["weighted"] is not None}
    if known and known[min(known)] == 0:
        return Path(recipe.init or "")
    return next((path for path in _trained(recipe.folder) if path.exists()), Path(recipe.init or ""))


def _trained(folder: Path) -> list[Path]:
    """Return the files of a run's trained styles, the best first; they may be missing."""
    return [folder / name for name in (BEST, "style.safetensors")]
