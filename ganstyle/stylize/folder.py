"""Stylize files and folders: read ahead, paint, and write behind, sharing the work with other processes."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from torch import Tensor, nn

from ganstyle.errors import DiskFullError, GanstyleError, ImageTooLargeError, one_line
from ganstyle.files import is_stream
from ganstyle.images import MAX_PIXELS, Photo, SavingOptions, check_image, read_photo, shrink, write_photo
from ganstyle.images.photo import is_animated
from ganstyle.images.spool import can_spool
from ganstyle.stylize.controls import PLAIN, Controls
from ganstyle.stylize.event import FileEvent, Status, Summary
from ganstyle.stylize.image import stylize_image
from ganstyle.stylize.large import LARGE, stylize_large
from ganstyle.stylize.plan import PlannedFile
from ganstyle.stylize.scale.assignment import Settled, assign
from ganstyle.stylize.scale.claims import Claims
from ganstyle.stylize.scale.content import ContentRecord, SettledError
from ganstyle.stylize.scale.pipeline import Depth, run_pipeline
from ganstyle.stylize.scale.workers import Worker
from ganstyle.stylize.strokes import TRAINED_SIDE
from ganstyle.stylize.tiles import TileSize, can_tile

ANIMATED = "holds several pictures; only the first is painted"
"""What is noted of a photo that is an animation."""


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
    content: ContentRecord | None = None,
    worker: Worker = Worker(),  # noqa: B008 - frozen
    claims: Claims | None = None,
    depth: Depth = Depth(),  # noqa: B008 - frozen
    on_event: Callable[[FileEvent], None] = lambda event: None,
) -> Summary:
    """Stylize photos; one that fails is reported and does not keep the others from being done.

    Of several workers, each does its share of the plan, and then what others have not begun: a result that
    exists is done. With ``overwrite`` or ``content`` that is no sign, and each does only its share.

    Args:
        generator: as for `stylize_image`; it decides the device.
        plan: the photos and where their results go, from `plan_outputs`; the same for all workers.
        controls: how strongly, with strokes how large, in whose colors and where photos are painted.
        trained_side: as for `stylize_image`.
        tile: as for `stylize_image`.
        overwrite: replace outputs that exist. An input is never replaced.
        max_pixels: the largest photo that is read, in pixels.
        max_side: photos whose longer side has more pixels are reduced to it.
        saving: what results keep of their photos' files.
        content: makes results again whose photo, style or settings have changed.
        worker: which of several processes this is.
        claims: of these processes, so that no two paint the same photo.
        depth: how many photos are under way at once.
        on_event: called after each file.

    Returns:
        The counts of this worker.

    Raises:
        DiskFullError: nothing more can be written.
    """
    counts: dict[Status, int] = {"done": 0, "failed": 0, "skipped": 0}

    def paint(photos: Tensor) -> Tensor:
        return stylize_image(generator, photos, controls, trained_side=trained_side, tile=tile)

    def paint_alone(file: PlannedFile) -> None:
        if can_tile(generator):
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
            write_photo(paint(photo.image), file.output, photo, saving)

    def tasks() -> Iterator[_FileTask]:
        replaces = overwrite or content is not None
        for file, settled in assign(
            plan, worker, claims, lambda file: existing_result(file, replaces), helps=not replaces
        ):
            yield _FileTask(
                file,
                settled,
                paint_alone,
                overwrite=overwrite,
                max_pixels=max_pixels,
                max_side=max_side,
                saving=saving,
                content=content,
            )

    def report(task: _FileTask, error: Exception | None, seconds: float) -> None:
        file = task.file
        status, message = _outcome(task, error)
        counts[status] += 1
        if claims is not None and status != "failed":  # what cannot be read, the others need not try
            claims.release(str(file.output))
        event = FileEvent(
            file.source, file.output, status, seconds, message, sum(counts.values()), len(plan), task.note
        )
        on_event(event)

    run_pipeline(tasks(), paint, depth, report)
    return Summary(**counts)


def is_large(source: Path, pixels: int, max_side: int | None) -> bool:
    """Say whether a photo is read and written in parts, if its generator paints in tiles."""
    return max_side is None and pixels > LARGE and can_spool(source)


class _FileTask:
    """A photo's way from file to file; see `ganstyle.stylize.scale.pipeline.Task`."""

    def __init__(
        self,
        file: PlannedFile,
        settled: Settled,
        paint_alone: Callable[[PlannedFile], None],
        *,
        overwrite: bool,
        max_pixels: int,
        max_side: int | None,
        saving: SavingOptions,
        content: ContentRecord | None,
    ) -> None:
        self.file, self.settled, self.note = file, settled, ""
        self.is_painting = False  # whether an error comes from painting, and does not name the photo
        self._paint_alone = paint_alone
        self._overwrite, self._max_pixels, self._max_side = overwrite, max_pixels, max_side
        self._saving, self._content = saving, content
        self._photo: Photo | None = None
        self._key, self._is_large = "", False

    def pixels(self) -> int:
        source = self.file.source
        if self.settled[0] != "done":
            raise SettledError(*self.settled)
        with limit_explained():
            height, width = check_image(source, max_pixels=self._max_pixels)
        self._is_large = is_large(source, height * width, self._max_side)
        return height * width

    def read(self) -> Tensor | None:
        if self._content is not None:
            self._key = self._content.key(self.file.source)
            self._content.check(self.file.output, self._key, overwrite=self._overwrite)
        if self._is_large:
            self.note = ANIMATED if is_animated(self.file.source) else ""
            return None
        photo = self._photo = _read_photo(self.file.source, self._max_pixels)
        self.note = ANIMATED if photo.animated else ""
        self.is_painting = True
        return photo.image if self._max_side is None else shrink(photo.image, self._max_side)

    def paint_alone(self) -> None:
        with self._recorded():
            self._paint_alone(self.file)

    def write(self, painting: Tensor) -> None:
        self.is_painting = False
        photo, self._photo = self._photo, None
        assert photo is not None
        with self._recorded():
            write_photo(painting, self.file.output, photo, self._saving)

    @contextmanager
    def _recorded(self) -> Iterator[None]:
        if self._content is not None:
            self._content.begin(self.file.output, self._key)
        yield
        if self._content is not None:
            self._content.finish(self.file.output, self._key)


def existing_result(file: PlannedFile, overwrite: bool) -> Settled:
    """Return the status of a file that there is nothing to do for, and why; or ``done`` if there is."""
    if file.problem:
        return "failed", file.problem
    if os.path.isdir(file.output):  # noqa: PTH112 - unlike pathlib's, these take a name that is too long
        return "failed", f"{file.output}: is a folder, and cannot be replaced by an image"
    if os.path.isfile(file.output) and not is_stream(file.output) and not overwrite:  # noqa: PTH113
        return "skipped", f"{file.output}: exists already; use --force to replace it"
    return "done", ""


def _outcome(task: _FileTask, error: Exception | None) -> Settled:
    """Return a photo's status and message; raise what is not the photo's fault."""
    if error is None:
        return "done", ""
    if isinstance(error, DiskFullError):
        raise error
    if isinstance(error, SettledError):
        return error.status, str(error)
    return "failed", describe_failure(str(task.file.source), error, names_photo=not task.is_painting)


def describe_failure(source: str, error: Exception, *, names_photo: bool) -> str:
    """Say in one line why a photo could not be painted; raise what has other reasons than the photo.

    Args:
        source: the photo.
        error: what was raised.
        names_photo: whether an error of ganstyle's own already says which photo.
    """
    if isinstance(error, GanstyleError):
        if names_photo:
            return str(error)
        advice = ", or let --max-side do it" if isinstance(error, ImageTooLargeError) else ""
        return f"{source}: {error}{advice}"
    if isinstance(error, OSError | RuntimeError | ValueError):
        return f"{source}: cannot be stylized ({one_line(error)})"
    raise error


def _read_photo(source: Path, max_pixels: int) -> Photo:
    with limit_explained():
        return read_photo(source, max_pixels=max_pixels)


@contextmanager
def limit_explained() -> Iterator[None]:
    """Say in the error of a photo that is too large which option admits it."""
    try:
        yield
    except ImageTooLargeError as error:
        raise ImageTooLargeError(f"{error}, or raise the limit with --max-pixels") from error
