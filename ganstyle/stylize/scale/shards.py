"""Stylize shards: each shard of photos becomes a shard of results."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import chain, count
from pathlib import Path

from torch import Tensor, nn

from ganstyle.data.shards import Member, Sample, read_index
from ganstyle.errors import DataError, DiskFullError, GanstyleError, ImageError
from ganstyle.images import FORMAT_SUFFIXES, Photo, shrink
from ganstyle.images.codec import opened_bytes
from ganstyle.images.photo import decode_photo, encode_photo
from ganstyle.stylize.event import FileEvent, Status, Summary
from ganstyle.stylize.folder import ANIMATED, describe_failure, existing_result, limit_explained
from ganstyle.stylize.image import stylize_image
from ganstyle.stylize.plan import PlannedFile, result_name
from ganstyle.stylize.scale.assignment import assign
from ganstyle.stylize.scale.content import SettledError, hash_settings
from ganstyle.stylize.scale.partial import PartialShard
from ganstyle.stylize.scale.pipeline import run_pipeline
from ganstyle.stylize.scale.settings import PaintSettings, Sharing


def stylize_shards(
    generator: nn.Module,
    plan: Sequence[PlannedFile],
    output: Path,
    *,
    settings: PaintSettings = PaintSettings(),  # noqa: B008 - frozen
    sharing: Sharing = Sharing(),  # noqa: B008 - frozen
    image_format: str | None = None,
    on_event: Callable[[FileEvent], None] = lambda event: None,
) -> Summary:
    """Stylize the photos of shards. The first photo of a sample is painted, and its other files are copied.

    Results are named as in a folder: where another file of the sample has the name already, the photo keeps
    its suffix, as in 000.jpg.png.

    A result appears when it is complete; one that was being made when its process was killed is continued by
    the next start. Samples whose photo cannot be read are reported and left out. A shard that is cut off or
    damaged is reported, and gets no result.

    Args:
        generator: as for `stylize_plan`.
        plan: shards and where their results go, from `plan_shards`.
        output: the folder for results.
        settings: how photos are painted.
        sharing: how work is shared with other processes.
        image_format: as for `plan_outputs`.
        on_event: called after each photo, and each shard that is skipped or cannot be read.

    Returns:
        The counts of this worker, in photos.

    Raises:
        DiskFullError: nothing more can be written.
    """
    counts: Counter[str] = Counter()
    reported = 0
    suffix = None if image_format is None else FORMAT_SUFFIXES[image_format]
    controls, trained_side, content = settings.controls, settings.trained_side, sharing.content
    hashed = content.settings if content else _hash_settings(generator, settings)

    def paint(photos: Tensor) -> Tensor:
        return stylize_image(generator, photos, controls, trained_side=trained_side, tile=settings.tile)

    def report(
        source: Path,
        result: Path,
        status: Status,
        message: str = "",
        seconds: float = 0.0,
        note: str = "",
        photos: int = 1,
    ) -> None:
        nonlocal reported
        reported += 1
        counts[status] += photos
        on_event(FileEvent(source, result, status, seconds, message, reported, 0, note, photos))

    def paint_shard(file: PlannedFile) -> None:
        samples = read_index(file.source)
        key = ""
        if content is not None:
            key = content.key(file.source, image_format)
            content.check(file.output, key, overwrite=settings.overwrite)
        status = file.source.stat()
        basis = f"{hashed} {image_format} {status.st_size} {status.st_mtime_ns}"
        partial = PartialShard(file.output, output, sha256(basis.encode()).hexdigest(), samples)
        try:
            with file.source.open("rb") as source:
                tasks = (
                    _SampleTask(file, source.fileno(), sample, suffix, settings)
                    for sample in _missing(samples, partial.done)
                )
                run_pipeline(tasks, paint, sharing.depth, lambda *task: finish_sample(partial, *task))
            if content is not None:
                content.begin(file.output, key)
            partial.finish()
            if content is not None:
                content.finish(file.output, key)
        except BaseException:
            partial.close()
            raise

    def finish_sample(
        partial: PartialShard, task: "_SampleTask", error: Exception | None, seconds: float
    ) -> None:
        if isinstance(error, DiskFullError):
            raise error
        if error is None:
            for member in task.members:  # one by one: two files of a sample may have one name
                partial.append([member], {member.name: task.contents[member]})
            report(task.source, task.result, "done", "", seconds, task.note)
        else:
            message = describe_failure(str(task.source), error, names_photo=not task.is_painting)
            report(task.source, task.result, "failed", message, seconds)

    replaces = settings.overwrite or content is not None
    for file, (status, message) in assign(
        plan,
        sharing.worker,
        sharing.claims,
        lambda file: existing_result(file, replaces),
        helps=not replaces,
    ):
        try:
            if status != "done":
                raise SettledError(status, message)
            paint_shard(file)
        except SettledError as settled:
            report(
                file.source,
                file.output,
                settled.status,
                str(settled),
                photos=_count_photos(file.output) if settled.status == "skipped" else 1,
            )
        except DataError as error:
            report(file.source, file.output, "failed", str(error))
            continue  # its claim stays: the others need not try
        if sharing.claims is not None:
            sharing.claims.release(str(file.output))
    return Summary(counts["done"], counts["failed"], counts["skipped"])


def _hash_settings(generator: nn.Module, settings: PaintSettings) -> str:
    """Return the hash of what results depend on, apart from the shard and their format."""
    return hash_settings(
        generator,
        settings.controls,
        trained_side=settings.trained_side,
        max_side=settings.max_side,
        saving=settings.saving,
    )


class _SampleTask:
    """A photo's way from a shard; see `ganstyle.stylize.scale.pipeline.Task`.

    Attributes:
        members: the files of the result.
        contents: of each member, when it is written.
        note: what is worth knowing of the result.
    """

    def __init__(
        self,
        file: PlannedFile,
        descriptor: int,
        sample: Sample,
        suffix: str | None,
        settings: PaintSettings,
    ) -> None:
        photo = sample.photo
        name = sample.members[0].name if photo is None else photo.name
        self._name = _distinct_name(name, suffix, [m.name for m in sample.members if m is not photo])
        self.source, self.result = file.source / name, file.output / self._name
        self.members = [replace(m, name=self._name) if m is photo else m for m in sample.members]
        self.contents: dict[Member, bytes] = {}
        self.is_painting, self.note = False, ""
        self._sample, self._member, self._descriptor = sample, photo, descriptor
        self._settings = settings
        self._data = b""
        self._photo: Photo | None = None

    def pixels(self) -> int:
        if self._member is None:
            raise ImageError(f"{self.source}: its sample holds no photo")
        if any(_leads_out(member.name) for member in self.members):
            raise ImageError(f"{self.source}: its name leads out of the shard; give it another one")
        self._data = self._read(self._member)
        with (
            limit_explained(),
            opened_bytes(self._data, str(self.source), self._settings.max_pixels) as image,
        ):
            return image.width * image.height

    def read(self) -> Tensor:
        with limit_explained():
            photo = self._photo = decode_photo(
                self._data, str(self.source), max_pixels=self._settings.max_pixels
            )
        self._data = b""
        self.note = ANIMATED if photo.animated else ""
        self.is_painting = True
        side = self._settings.max_side
        return photo.image if side is None else shrink(photo.image, side)

    def paint_alone(self) -> None:
        raise AssertionError("photos of a shard are painted in memory")

    def write(self, painting: Tensor) -> None:
        self.is_painting = False
        photo, self._photo = self._photo, None
        assert photo is not None
        content = encode_photo(painting, Path(self._name), photo, self._settings.saving)
        self.contents = {
            result: content if member is self._member else self._read(member)
            for member, result in zip(self._sample.members, self.members, strict=True)
        }

    def _read(self, member: Member) -> bytes:
        return os.pread(self._descriptor, member.size, member.offset)


def _distinct_name(name: str, suffix: str | None, others: Sequence[str]) -> str:
    """Return what a photo's result is called beside other files of its sample.

    A name that stays is not compared: it was the photo's before. Upper and lower case are not told apart, as
    WebDataset does not.
    """
    stem, extension = os.path.splitext(name)  # noqa: PTH122 - a name in a tar file
    new = result_name(Path("x" + extension), suffix).suffix
    if new == extension:
        return name
    taken = {other.lower() for other in others}
    candidates = (f"{name}{'' if number == 1 else f'-{number}'}{new}" for number in count(1))
    return next(each for each in chain([stem + new], candidates) if each.lower() not in taken)


def _missing(samples: Sequence[Sample], done: Counter[str]) -> Iterator[Sample]:
    left = Counter(done)
    for sample in samples:
        if left[sample.key] > 0:
            left[sample.key] -= 1
        else:
            yield sample


def _leads_out(name: str) -> bool:
    return name.startswith("/") or ".." in name.split("/")


def _count_photos(shard: Path) -> int:
    """Return how many photos a result holds; 1 if that cannot be found out."""
    try:
        return len(read_index(shard))
    except GanstyleError:
        return 1
