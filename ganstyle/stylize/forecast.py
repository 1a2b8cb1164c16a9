"""What stylizing a plan of photos would do and take, from painting a small one."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import psutil
import torch

from ganstyle.devices import PeakMemory, device_of
from ganstyle.errors import GanstyleError
from ganstyle.images import check_image
from ganstyle.stylize.event import Status
from ganstyle.stylize.folder import describe_failure, existing_result, is_large, limit_explained
from ganstyle.stylize.large import LARGE
from ganstyle.stylize.layers import check_masks, layers_of
from ganstyle.stylize.painter import PhotoPainter
from ganstyle.stylize.plan import PlannedFile
from ganstyle.stylize.scale.settings import PaintSettings
from ganstyle.stylize.strokes import pass_sides
from ganstyle.stylize.tiles import LARGEST_UNTILED, can_tile

_SIDE = 512  # pixels of the picture that is measured, at most
_COPIES = 8  # of a picture in float32 that exist at once, apart from the generator's own maps


@dataclass(frozen=True)
class FileForecast:
    """What would become of one photo.

    Attributes:
        file: the photo and its result.
        status: ``done`` if it would be painted.
        message: why not, in one line; empty if it would.
        size: height and width of the result in pixels; (0, 0) if there would be none.
    """

    file: PlannedFile
    status: Status
    message: str
    size: tuple[int, int]


@dataclass(frozen=True)
class StylizeForecast:
    """What stylizing would do.

    Attributes:
        files: each photo.
        seconds: for all of them, reading and writing aside.
        memory_bytes: of the process at its peak, roughly; on a GPU, of the GPU.
    """

    files: list[FileForecast]
    seconds: float
    memory_bytes: int


def forecast_stylize(
    painter: PhotoPainter, plan: Sequence[PlannedFile], settings: PaintSettings
) -> StylizeForecast:
    """Look at the headers of the photos, and measure how long a small picture takes.

    Args:
        painter: what would stylize them.
        plan: the photos and where their results would go.
        settings: how they would be painted.
    """
    files = [_look(painter, file, settings) for file in plan]
    sizes = [file.size for file in files if file.status == "done"]
    if not sizes:
        return StylizeForecast(files, 0.0, 0)
    largest = max(sizes, key=lambda size: size[0] * size[1])
    sample = tuple(min(_SIDE, side) for side in largest)
    photo, device = torch.rand(1, 3, *sample), device_of(painter.generator)
    controls = replace(settings.controls, mask=None)  # has the photos' proportions, and the sample has not
    paint = partial(painter.everywhere().paint, controls=controls, tile=settings.tile)
    paint(photo[..., : max(1, sample[0] // 2), : max(1, sample[1] // 2)])  # warms up
    before = 0 if device.type == "cuda" else psutil.Process().memory_info().rss
    with PeakMemory(device) as memory:
        start = time.perf_counter()
        paint(photo)
        seconds = time.perf_counter() - start
    work = sum(_work(size, settings) for size in sizes)
    pixels = max(_held_pixels(painter, file, settings) for file in files if file.status == "done")
    at_once = min(pixels, LARGEST_UNTILED) if settings.tile != "off" else pixels
    needed = memory.bytes * at_once / (sample[0] * sample[1]) + _COPIES * 12 * pixels
    return StylizeForecast(
        files,
        seconds * work / _work((sample[0], sample[1]), settings),
        before + round(needed),
    )


def _look(painter: PhotoPainter, file: PlannedFile, settings: PaintSettings) -> FileForecast:
    status, message = existing_result(file, settings.overwrite)
    if status != "done":
        return FileForecast(file, status, message, (0, 0))
    try:
        with limit_explained():
            height, width = check_image(file.source, max_pixels=settings.max_pixels)
    except GanstyleError as error:
        return FileForecast(file, "failed", str(error), (0, 0))
    factor = min(1.0, settings.max_side / max(height, width)) if settings.max_side else 1.0
    size = max(1, round(height * factor)), max(1, round(width * factor))
    try:
        check_masks(layers_of(painter.generator), settings.controls.mask, size)
    except GanstyleError as error:
        message = describe_failure(str(file.source), error, names_photo=False)
        return FileForecast(file, "failed", message, (0, 0))
    return FileForecast(file, "done", "", size)


def _held_pixels(painter: PhotoPainter, file: FileForecast, settings: PaintSettings) -> int:
    """Return how many pixels of a photo and its pictures are in memory: of the largest ones, parts."""
    pixels = file.size[0] * file.size[1]
    in_parts = can_tile(painter.generator) and is_large(file.file.source, pixels, settings.max_side)
    return LARGE if in_parts else pixels


def _work(size: tuple[int, int], settings: PaintSettings) -> float:
    """Return the pixels that all passes over a picture paint."""
    shorter = min(size)
    sides = pass_sides(shorter, settings.controls.stroke_size, trained_side=settings.trained_side)
    return size[0] * size[1] * sum((side / shorter) ** 2 for side in sides)
