"""Stylizing one photo or a million: which process does what, and what is reported in the end."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ganstyle.cli.common import INTERRUPTED
from ganstyle.cli.outputs import is_stdout, write_json, write_stdout
from ganstyle.cli.progress import ProgressLine, tell

if TYPE_CHECKING:
    from ganstyle.stylize import FileEvent, PhotoPainter, PlannedFile
    from ganstyle.stylize.scale.settings import PaintSettings
    from ganstyle.stylize.scale.tally import Parts, Tally
    from ganstyle.stylize.scale.workers import Worker


def stylize_collection(
    style: "PhotoPainter",
    plan: "Sequence[PlannedFile]",
    settings: "PaintSettings",
    worker: "Worker",
    *,
    output: Path,
    result: Path | None,
    json_file: Path | None,
    skip: str | None,
    shards: bool,
    image_format: str | None,
) -> None:
    """Stylize photos together with the other processes, report, and leave with the exit code.

    Args:
        style: what paints.
        plan: all photos, those of other processes included.
        settings: how to paint.
        worker: which process this is.
        output: where results go.
        result: the file of a result for standard output; None: the plan's files are the results.
        json_file: where to write what became of each photo, if anywhere.
        skip: ``name`` or ``content``, if asked for.
        shards: whether the plan's files are shards of photos.
        image_format: of results in shards; None: by each photo.
    """
    from ganstyle.devices import device_of
    from ganstyle.errors import GanstyleError
    from ganstyle.files import is_stream
    from ganstyle.stylize import stylize_plan
    from ganstyle.stylize.scale.claims import Claims
    from ganstyle.stylize.scale.content import ContentRecord, hash_settings
    from ganstyle.stylize.scale.pipeline import Depth
    from ganstyle.stylize.scale.settings import Sharing
    from ganstyle.stylize.scale.shards import stylize_shards
    from ganstyle.stylize.scale.state import remove_abandoned, remove_empty_state, state_folder
    from ganstyle.stylize.scale.tally import Parts, Tally

    names_file = len(plan) == 1 and plan[0].output == output  # else it is a folder
    folder = output.parent if names_file else output
    if skip == "content" and (result or is_stream(output)):
        raise GanstyleError(
            f"{output}: keeps nothing that --skip content could compare; name a file or folder"
        )
    with ExitStack() as cleanup:
        parts = claims = content = None
        if worker.world > 1:
            cleanup.callback(remove_empty_state, folder)
            claims = Claims(state_folder(folder) / "claims.lock")
            cleanup.callback(claims.close)
            parts = Parts(folder, worker)
        if skip == "content":
            hashed = hash_settings(
                style.generator,
                settings.controls,
                trained_side=settings.trained_side,
                max_side=settings.max_side,
                saving=settings.saving,
            )
            content = ContentRecord(folder, hashed)
        if worker.rank == 0 and not result and not is_stream(output):
            remove_abandoned({file.output.parent for file in plan})
        reporter = Reporter(
            Tally(style.name, lists_files=not shards),
            output=output if result else None,
            json_file=json_file,
            tells_skipped=skip is None,
        )
        sharing = Sharing(
            content=content,
            worker=worker,
            claims=claims,
            depth=Depth.of(device_of(style.generator), worker.local_world),
        )
        with reporter.reporting(0 if shards else len(plan)):
            if shards:
                stylize_shards(
                    style.generator,
                    plan,
                    output,
                    settings=settings,
                    sharing=sharing,
                    image_format=image_format,
                    on_event=reporter,
                )
            else:
                stylize_plan(style.generator, plan, **vars(settings), **vars(sharing), on_event=reporter)
            if result and result.exists():
                write_stdout(result.read_bytes())
        reporter.finish(worker, parts)


def plan_collection(
    photos: Sequence[Path], output: Path, image_format: str | None
) -> "tuple[list[PlannedFile], bool]":
    """Plan where results go; return that, and whether it is about shards.

    Raises:
        GanstyleError: see `plan_outputs` and `plan_shards`; or shards and photos are mixed.
    """
    from ganstyle.data.shards import find_shards, is_shards
    from ganstyle.errors import GanstyleError
    from ganstyle.stylize import plan_outputs
    from ganstyle.stylize.plan import check_format, plan_shards

    shards = [path for path in photos if is_shards(path)]
    if not shards:
        return plan_outputs(photos, output, image_format=image_format), False
    if len(shards) < len(photos):
        raise GanstyleError(f"{shards[0]}: shards and photos cannot be mixed; give them one after the other")
    if image_format is not None:
        check_format(image_format)
    return plan_shards([shard for pattern in shards for shard in find_shards(pattern)], output), True


def is_earlier_sum(path: Path) -> bool:
    """Say whether a file is the sum of an earlier start, which the same command may replace when it goes on.

    Raises:
        GanstyleError: it is another file.
    """
    from ganstyle.errors import GanstyleError
    from ganstyle.stylize.scale.tally import is_record

    if is_stdout(path) or not os.path.isfile(path):  # noqa: PTH113 - unlike pathlib's, it never raises
        return False
    if not is_record(path):
        raise GanstyleError(f"{path}: exists and was not written by ganstyle stylize; name another file")
    return True


class Reporter:
    """Prints what becomes of each photo, and in the end writes and prints the sum.

    Args:
        tally: counts the photos.
        output: what to call the only result, if it has another name than its file; None: by its file.
        json_file: where to write the sum, if anywhere.
        tells_skipped: whether photos that are skipped get a line, and count as not stylized.
    """

    def __init__(
        self, tally: "Tally", *, output: Path | None, json_file: Path | None, tells_skipped: bool
    ) -> None:
        self.tally, self._output, self._json_file, self._tells_skipped = (
            tally,
            output,
            json_file,
            tells_skipped,
        )
        self._line = ProgressLine("photos")

    def __call__(self, event: "FileEvent") -> None:
        """Report one photo."""
        event = replace(event, output=self._output) if self._output else event
        self.tally.add(event)
        if event.status == "failed" or (event.status == "skipped" and self._tells_skipped):
            tell(event.message, err=True)
        elif event.status == "done" and event.total == 1:
            tell(f"{event.source} -> {event.output}  ({event.seconds:.1f} s)")
        elif event.status == "done":
            place = f"{event.index}/{event.total}" if event.total else f"{event.index}"
            text = f"[{place}] {event.source} -> {event.output}  ({event.seconds:.1f} s)"
            self._line(text, event.index, event.total, always=self.tally.lists_files)
        if event.note:
            tell(f"{event.source}: {event.note}", err=True)

    @contextmanager
    def reporting(self, photos: int) -> Iterator[None]:
        """Write the sum even if the block ends early: what was done until then is worth knowing."""
        from ganstyle.errors import GanstyleError

        try:
            yield
        except (GanstyleError, KeyboardInterrupt) as error:
            if self._json_file is not None:
                with suppress(GanstyleError):  # the first error is the one to report
                    write_json(self._json_file, self.tally.record())
            if isinstance(error, GanstyleError):
                raise
            of_all = f" of {photos}" if photos else ""
            tell(f"interrupted after {self.tally.counts.total()}{of_all} photos", err=True)
            raise typer.Exit(INTERRUPTED) from None

    def finish(self, worker: "Worker", parts: "Parts | None") -> None:
        """Print and write the sum, and leave with the code that belongs to it.

        Of several processes, the last one does it for all: an error code of one that ends earlier would make
        the launcher end the others.
        """
        record = self.tally.record()
        text = _sentence(record)
        if parts is not None:
            tell(f"process {worker.rank}: {text}")
            merged = parts.add(record)
            if merged is None:
                if not worker.supervised:
                    self._leave(record)
                return
            record, text = merged, f"all {worker.world} processes: {_sentence(merged)}"
        tell(text)
        if self._json_file is not None:
            write_json(self._json_file, record)
        self._leave(record)

    def _leave(self, record: dict[str, Any]) -> None:
        from ganstyle.stylize.scale.tally import STATUSES

        leave(
            [status for status in STATUSES for _ in range(min(record[status], 1))],
            skipping_is_fine=not self._tells_skipped,
        )


def leave(statuses: Sequence[str], *, skipping_is_fine: bool = False) -> None:
    """Leave with an exit code that says whether all photos, some or none came out well."""
    well = sum(status == "done" or (skipping_is_fine and status == "skipped") for status in statuses)
    if well < len(statuses):
        raise typer.Exit(1 if well else 2)


def _sentence(record: dict[str, Any]) -> str:
    from ganstyle.stylize.scale.tally import STATUSES

    return ", ".join(f"{record[name]:,} {name}" for name in STATUSES if record[name] or name == "done")
