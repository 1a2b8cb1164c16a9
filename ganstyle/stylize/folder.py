"""Stylizing files and folders: what is written where is settled first, then one file after the other."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import nn

from ganstyle.errors import GanstyleError, ImageError
from ganstyle.files import check_writable
from ganstyle.images import (
    MAX_PIXELS,
    READ_SUFFIXES,
    WRITE_FORMATS,
    find_images,
    output_format,
    read_image,
    write_image,
)
from ganstyle.stylize.controls import PLAIN, Controls
from ganstyle.stylize.image import stylize_image


@dataclass(frozen=True)
class FileEvent:
    """A file is finished with.

    Attributes:
        source: the photo.
        output: where its result is, or would be.
        status: ``skipped`` means that the output existed already and was left as it was.
        seconds: the time it took, reading and writing included.
        message: why it failed or was skipped, in one line; empty when done.
        index: the file's place, from 1.
        total: the number of files.
    """

    source: Path
    output: Path
    status: Literal["done", "failed", "skipped"]
    seconds: float
    message: str
    index: int
    total: int


@dataclass(frozen=True)
class Summary:
    """How many files were stylized, could not be, and were left out because their output existed."""

    done: int
    failed: int
    skipped: int


def stylize_files(
    generator: nn.Module,
    inputs: Sequence[Path],
    output: Path,
    *,
    controls: Controls = PLAIN,
    overwrite: bool = False,
    max_pixels: int = MAX_PIXELS,
    on_event: Callable[[FileEvent], None] = lambda event: None,
) -> Summary:
    """Stylize photos and folders of photos; a photo that cannot be read is passed over.

    Args:
        generator: as for `stylize_image`; it decides the device.
        inputs: files, and folders that are searched recursively.
        output: a folder, or one image file; see `plan_outputs`.
        controls: how strongly, in whose colors and where photos are painted.
        overwrite: replace outputs that exist. An input is never replaced.
        max_pixels: the largest photo that is read, in pixels.
        on_event: called after each file.

    Returns:
        The counts.

    Raises:
        GanstyleError: nothing was begun because the outputs cannot be settled, or nothing more can be
            written (a full disk).
    """
    plan = plan_outputs(inputs, output)
    counts = {"done": 0, "failed": 0, "skipped": 0}
    for index, (source, target) in enumerate(plan, start=1):
        start = time.perf_counter()
        status: Literal["done", "failed", "skipped"] = "done"
        message = ""
        if target.is_dir():
            status, message = "failed", f"{target}: is a folder, and cannot be replaced by an image"
        elif target.exists() and not overwrite:
            status, message = "skipped", f"{target}: exists already; use --force to replace it"
        else:
            try:
                _stylize_file(generator, source, target, controls, max_pixels)
            except ImageError as error:  # this photo's fault; others may be good
                status, message = "failed", str(error)
        counts[status] += 1
        seconds = time.perf_counter() - start
        on_event(FileEvent(source, target, status, seconds, message, index, len(plan)))
    return Summary(**counts)


def plan_outputs(inputs: Sequence[Path], output: Path) -> list[tuple[Path, Path]]:
    """Settle where each photo's result goes, before any work is done.

    Results keep their photos' names, and their places below an input folder; a photo in a format that is
    not written becomes a PNG. With a single file as input, ``output`` may name an image file.

    Args:
        inputs: files and folders; files need not exist.
        output: a folder, or an image file. Where it lies inside an input folder it is not searched, so
            that results are not stylized again.

    Returns:
        (photo, result) pairs, in the order given and sorted within a folder.

    Raises:
        GanstyleError: two results would have the same name, a result would replace an input, a folder
            holds no images, or ``output`` cannot be a folder.
        ImageError: ``output`` is an image file of a format that is not written.
    """
    if output.suffix.lower() in READ_SUFFIXES | WRITE_FORMATS.keys() and not output.is_dir():
        if len(inputs) != 1 or inputs[0].is_dir():
            raise GanstyleError(
                f"{output}: names one image, but a folder or several photos were given; name a folder"
            )
        output_format(output)
        plan = [(inputs[0], output)]
        check_writable(output.parent)
    else:
        plan = [pair for path in inputs for pair in _results_of(path, output)]
        plan = list(dict.fromkeys(plan))  # a photo given twice is done once
        check_writable(output)
    _check_collisions(plan)
    return plan


def _stylize_file(
    generator: nn.Module, source: Path, target: Path, controls: Controls, max_pixels: int
) -> None:
    image = read_image(source, max_pixels=max_pixels)
    try:
        result = stylize_image(generator, image, controls)
    except ImageError as error:
        raise ImageError(f"{source}: {error}") from error
    write_image(result, target)


def _results_of(path: Path, output: Path) -> list[tuple[Path, Path]]:
    if not path.is_dir():
        return [(path, output / result_name(Path(path.name)))]
    photos = find_images(path)
    results = output.resolve()
    if results != path.resolve():
        photos = [photo for photo in photos if not photo.resolve().is_relative_to(results)]
    if not photos:
        raise GanstyleError(f"{path}: holds no images; their names end in {', '.join(sorted(READ_SUFFIXES))}")
    return [(photo, output / result_name(photo.relative_to(path))) for photo in photos]


def result_name(path: Path) -> Path:
    """Return what a photo's result is called: as the photo, or .png where its format is not written."""
    return path if path.suffix.lower() in WRITE_FORMATS else path.with_suffix(".png")


def _check_collisions(plan: list[tuple[Path, Path]]) -> None:
    taken: dict[Path, Path] = {}
    inputs = {_identity(source) for source, _ in plan} - {None}
    for source, target in plan:
        if target in taken:
            raise GanstyleError(
                f"{taken[target]} and {source} would both be written to {target}; "
                "stylize them into different folders"
            )
        if _identity(target) in inputs:
            raise GanstyleError(f"{target}: is an input, which is never replaced; choose another output")
        taken[target] = source


def _identity(path: Path) -> tuple[int, int] | None:
    """What is the same for two names of one file: through links, and where case does not matter."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
