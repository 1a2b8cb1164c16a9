"""Stylize files and folders: plan all outputs, then process one file after the other."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor, nn

from ganstyle.errors import DiskFullError, GanstyleError, ImageTooLargeError, one_line
from ganstyle.files import is_stream
from ganstyle.images import MAX_PIXELS, Photo, SavingOptions, check_image, read_photo, shrink, write_photo
from ganstyle.images.spool import can_spool
from ganstyle.stylize.controls import PLAIN, Controls
from ganstyle.stylize.image import stylize_image
from ganstyle.stylize.large import LARGE, stylize_large
from ganstyle.stylize.plan import PlannedFile
from ganstyle.stylize.strokes import TRAINED_SIDE
from ganstyle.stylize.tiles import TileSize, can_tile

_ANIMATED = "holds several pictures; only the first is painted"

Status = Literal["done", "failed", "skipped"]


@dataclass(frozen=True)
class FileEvent:
    """One file has been processed.

    Attributes:
        source: the photo.
        output: where its result is, or would be.
        status: ``skipped`` means that the output existed already and was left as it was.
        seconds: the time it took, reading and writing included.
        message: why it failed or was skipped, in one line; empty when done.
        index: the file's place, from 1.
        total: the number of files.
        note: what is worth knowing of a result, in one line; mostly empty.
    """

    source: Path
    output: Path
    status: Status
    seconds: float
    message: str
    index: int
    total: int
    note: str = ""


@dataclass(frozen=True)
class Summary:
    """How many files were stylized, failed, and were skipped because their output existed."""

    done: int
    failed: int
    skipped: int


def stylize_plan(
    generator: nn.Module,
    plan: Sequence[PlannedFile],
    *,
    controls: Controls = PLAIN,
    trained_side: int = TRAINED_SIDE,
    tile: TileSize = "auto",
    overwrite: bool = False,
    max_pixels: int = MAX_PIXELS,
    max_side: int | None = None,
    saving: SavingOptions = SavingOptions(),  # noqa: B008 - frozen
    on_event: Callable[[FileEvent], None] = lambda event: None,
) -> Summary:
    """Stylize photos; one that fails is reported and does not keep the others from being done.

    Args:
        generator: as for `stylize_image`; it decides the device.
        plan: the photos and where their results go, from `plan_outputs`.
        controls: how strongly, with strokes how large, in whose colors and where photos are painted.
        trained_side: as for `stylize_image`.
        tile: as for `stylize_image`.
        overwrite: replace outputs that exist. An input is never replaced.
        max_pixels: the largest photo that is read, in pixels.
        max_side: photos whose longer side has more pixels are reduced to it.
        saving: what results keep of their photos' files.
        on_event: called after each file.

    Returns:
        The counts.

    Raises:
        DiskFullError: nothing more can be written.
    """

    def paint(photo: Tensor) -> Tensor:
        return stylize_image(generator, photo, controls, trained_side=trained_side, tile=tile)

    counts = {"done": 0, "failed": 0, "skipped": 0}
    for index, file in enumerate(plan, start=1):
        start, note = time.perf_counter(), ""
        status, message = existing_result(file, overwrite)
        if status == "done":
            try:
                if _is_large(generator, file.source, max_pixels, max_side):
                    stylize_large(
                        generator,
                        file.source,
                        file.output,
                        controls,
                        trained_side=trained_side,
                        tile=tile,
                        saving=saving,
                    )
                else:
                    photo = _read_photo(file.source, max_pixels)
                    image = photo.image if max_side is None else shrink(photo.image, max_side)
                    write_photo(_stylize(paint, image, file.source), file.output, photo, saving)
                    note = _ANIMATED if photo.animated else ""
            except DiskFullError:
                raise
            except GanstyleError as error:
                status, message = "failed", str(error)
            except (OSError, RuntimeError, ValueError) as error:  # this photo's fault; others may be good
                reason = one_line(error)
                status, message = "failed", f"{file.source}: cannot be stylized ({reason})"
        counts[status] += 1
        seconds = time.perf_counter() - start
        on_event(FileEvent(file.source, file.output, status, seconds, message, index, len(plan), note))
    return Summary(**counts)


def existing_result(file: PlannedFile, overwrite: bool) -> tuple[Status, str]:
    """Return the status of a file that there is nothing to do for, and why; or ``done`` if there is."""
    if file.problem:
        return "failed", file.problem
    if os.path.isdir(file.output):  # noqa: PTH112 - unlike pathlib's, these take a name that is too long
        return "failed", f"{file.output}: is a folder, and cannot be replaced by an image"
    if os.path.isfile(file.output) and not is_stream(file.output) and not overwrite:  # noqa: PTH113
        return "skipped", f"{file.output}: exists already; use --force to replace it"
    return "done", ""


def _is_large(generator: nn.Module, source: Path, max_pixels: int, max_side: int | None) -> bool:
    """Say whether a photo is better painted from file to file."""
    if max_side is not None or not can_spool(source):
        return False
    with _limit_explained():
        height, width = check_image(source, max_pixels=max_pixels)
    return height * width > LARGE and can_tile(generator)


def _read_photo(source: Path, max_pixels: int) -> Photo:
    with _limit_explained():
        return read_photo(source, max_pixels=max_pixels)


@contextmanager
def _limit_explained() -> Iterator[None]:
    try:
        yield
    except ImageTooLargeError as error:
        raise ImageTooLargeError(f"{error}, or raise the limit with --max-pixels") from error


def _stylize(paint: Callable[[Tensor], Tensor], image: Tensor, source: Path) -> Tensor:
    try:
        return paint(image)
    except ImageTooLargeError as error:
        raise ImageTooLargeError(f"{source}: {error}, or let --max-side do it") from error
    except GanstyleError as error:
        raise GanstyleError(f"{source}: {error}") from error
