"""What a training would do and take, from a few real steps in a temporary folder."""

import statistics
import warnings
from dataclasses import dataclass
from pathlib import Path

import psutil

from ganstyle.data import StyleImages, open_content
from ganstyle.devices import PeakMemory, pick_device
from ganstyle.errors import GanstyleError, WeightsError
from ganstyle.files import check_writable
from ganstyle.hub import is_hub_address
from ganstyle.recipe import PhaseSection, Recipe
from ganstyle.runs.resume import find_state
from ganstyle.runs.state import saved_step
from ganstyle.runs.trackers import check_trackers
from ganstyle.style import build_generator
from ganstyle.stylize.scale.workers import Worker
from ganstyle.training.measurement import measure_phases
from ganstyle.training.validation import find_photos
from ganstyle.training.warm_start import warm_start
from ganstyle.weights import find_vgg16, vgg16_cache


@dataclass(frozen=True)
class PhaseForecast:
    """A part of the steps that are left.

    Attributes:
        steps: how many.
        image_size: side of the photos' crops in pixels.
        vgg: the feature network, as the recipe names it.
        seconds: for one step.
    """

    steps: int
    image_size: int
    vgg: str
    seconds: float


@dataclass(frozen=True)
class TrainingForecast:
    """What a training would do.

    Attributes:
        resume_from: the state that it would continue from; None for a fresh start.
        done: steps done there.
        photos: how many photos there are.
        paintings: their files.
        phases: the steps that are left.
        memory_bytes: of one process at its peak, data workers aside; on a GPU, of the GPU.
        disk_bytes: of the style and the training states that are kept.
        notes: what else there is to know, a line each.
    """

    resume_from: Path | None
    done: int
    photos: int
    paintings: list[Path]
    phases: list[PhaseForecast]
    memory_bytes: int
    disk_bytes: int
    notes: list[str]

    @property
    def seconds(self) -> float:
        """Time for the steps that are left, without sampling, scoring and saving."""
        return sum(phase.steps * phase.seconds for phase in self.phases)


def forecast_training(recipe: Recipe) -> TrainingForecast:
    """Check a training's inputs and measure a few steps of each phase; the run's folder is not touched.

    Nothing is downloaded: where the VGG-16 would be, the distilled one is measured in its place.

    Raises:
        GanstyleError: the training could not start; see `ganstyle.training.train`.
        KeyboardInterrupt: it was interrupted.
    """
    if Worker.from_environment().world > 1:
        raise GanstyleError("--dry-run measures one process; run it once, without a launcher")
    notes: list[str] = []
    check_trackers(recipe.run.trackers)
    check_writable(recipe.folder)
    resume_from = find_state(recipe, notes.append)
    done = saved_step(resume_from) if resume_from else 0
    options = recipe.content.options()
    photos = open_content(**options | {"download": False} if "download" in options else options)
    paintings = StyleImages(recipe.style.path, max_shorter=1).paths
    if recipe.score.every:
        find_photos(recipe.score)
    if recipe.init and resume_from is None and not is_hub_address(recipe.init):
        warm_start(build_generator(recipe), recipe.init)  # the steps that are measured start from nothing
    ahead = [(end - max(start, done), section) for start, end, section in _sections(recipe)]
    left = [(steps, section) for steps, section in ahead if steps > 0]
    device = pick_device()
    before = 0 if device.type == "cuda" else psutil.Process().memory_info().rss
    with PeakMemory(device) as memory:
        at_hand = [
            section.model_copy(update={"vgg": _at_hand(section.vgg or recipe.vgg, notes)})
            for _, section in left
        ]
        measured = measure_phases(recipe, at_hand)
        if measured is None:
            raise KeyboardInterrupt
    phases = [
        PhaseForecast(
            steps,
            section.image_size or recipe.image_size,
            section.vgg or recipe.vgg,
            statistics.median(found.seconds[1:]),
        )
        for (steps, section), found in zip(left, measured, strict=True)
    ]
    disk = measured[-1].state_bytes * recipe.run.keep + measured[-1].style_bytes if measured else 0
    return TrainingForecast(
        resume_from, done, len(photos), paintings, phases, before + memory.bytes, disk, notes
    )


def _sections(recipe: Recipe) -> list[tuple[int, int, PhaseSection]]:
    """Return each phase with the steps that it begins after and ends with."""
    sections, start, found = recipe.phases or [PhaseSection(until=1.0)], 0, []
    for section in sections:
        end = round(section.until * recipe.steps)
        found.append((start, end, section))
        start = end
    return found


def _at_hand(vgg: str, notes: list[str]) -> str:
    """Return a feature network that needs no download."""
    try:
        with warnings.catch_warnings(action="ignore"):
            found = find_vgg16(vgg, download=False)
    except WeightsError:
        if vgg != "imagenet":
            raise
        found = None
    if found is not None and (vgg != "auto" or found.name != "VGG-16 distilled"):
        return str(found.path)
    note = f"the VGG-16 would be downloaded to {vgg16_cache()}; the distilled one is measured in its place"
    if note not in notes:
        notes.append(note)
    return "distilled"
