"""The parts of the Stylize tab that paint many pictures: several photos, and a photo in every style."""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Stop
from typing import Any

import gradio as gr

from ganstyle.errors import GanstyleError
from ganstyle.files import atomic_write
from ganstyle.gui.catalog import StyleCatalog
from ganstyle.gui.components import (
    claim_uploads,
    connect_job,
    picture_grid,
    progress_line,
    public_message,
)
from ganstyle.gui.context import AppContext
from ganstyle.gui.inputs import PhotoInput, Upload, photo_files_input, safe_name
from ganstyle.gui.sessions import JobResult, JobStopped, run_job, stoppable
from ganstyle.images import write_image
from ganstyle.stylize import Controls, result_name
from ganstyle.stylize.plan import unique_name


@dataclass
class BatchResult:
    """What came of several pictures.

    Attributes:
        archive: the ZIP file.
        done: the pictures in it, each also by itself in the archive's folder, and the style of each.
        skipped: the reasons why pictures are missing; each names the photo or the style.
    """

    archive: Path
    done: dict[Path, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class BatchItem:
    """A picture to paint.

    Attributes:
        photo: which photo.
        style: the style's key.
        name: of the file.
    """

    photo: Upload
    style: str
    name: str


def paint_batch(
    items: Sequence[BatchItem],
    styles: StyleCatalog,
    controls: Controls,
    archive: Path,
    stop: Stop,
    report: Callable[[tuple[str, float, dict[Path, str]]], None],
) -> BatchResult:
    """Paint pictures at full size into a ZIP file; unusable photos and styles are reported and skipped.

    Args:
        items: what to paint.
        styles: what to paint with.
        controls: for all of them.
        archive: the ZIP file; each picture is also written beside it.
        stop: set when it should stop.
        report: told what is being painted, the share that is done, and the pictures so far.

    Raises:
        JobStopped: it was asked to stop.
    """
    result = BatchResult(archive)
    with atomic_write(archive) as temporary, zipfile.ZipFile(temporary, "w") as file:
        for number, item in enumerate(items):
            text = f"{item.photo.name} in the style {styles.label(item.style)} …"

            def report_layer(part: float, number: int = number, text: str = text) -> None:
                report((text, (number + part) / len(items), dict(result.done)))

            try:
                chosen = styles.painter(item.style)
                with stoppable(chosen.generator, stop, report_layer):
                    painted = chosen.paint(item.photo.read(), controls)
            except GanstyleError as error:
                reason = public_message(error)
                if reason not in result.skipped:  # a style fails for every photo in the same way
                    result.skipped.append(reason)
                continue
            name = unique_name(item.name, [path.name for path in result.done])
            picture = archive.with_name(name)
            write_image(painted, picture)
            file.write(picture, name)  # photos do not get smaller by compression
            result.done[picture] = item.style
    return result


class BatchSection:
    """Builds the section for several photos in the current Gradio context.

    Args:
        context: what all tabs share.
        controls: the components for style, strength, colors and stroke size.
    """

    def __init__(self, context: AppContext, controls: Sequence[Any]) -> None:
        self._context = context
        with gr.Accordion("Stylize several photos", open=False, elem_id="several"):
            photos = photo_files_input("batch-photos")
            _job(context, "batch", "Stylize all", self.stylize, [photos, *controls])
        claim_uploads(context.sessions, photos)

    def stylize(
        self,
        photos: list[Upload],
        style: str,
        strength: float,
        keep: bool,
        stroke_size: float,
        request: gr.Request,
    ) -> Iterator[tuple[Any, ...]]:
        """Stylize all photos in a style."""
        if not photos:
            raise GanstyleError("Choose some photos first.")
        items = [BatchItem(photo, style, result_name(Path(photo.name)).name) for photo in photos]
        controls = Controls(strength, keep, stroke_size=stroke_size)
        archive = f"{self._context.styles.label(style)}.zip"

        def summarize(count: int) -> str:
            return f"{_counted(count, 'photo')} stylized."

        for status, download, _ in _run(self._context, "batch", request, items, controls, archive, summarize):
            yield status, download


class GridSection:
    """Builds the section for a photo in every style in the current Gradio context.

    Args:
        context: what all tabs share.
        photo: the photo's input.
        controls: the components for strength, colors and stroke size.
    """

    def __init__(self, context: AppContext, photo: PhotoInput, controls: Sequence[Any]) -> None:
        self._context = context
        with gr.Accordion("This photo in every style, at full size", open=False, elem_id="grid"):
            pictures = picture_grid("In every style", "grid-pictures")
            _job(context, "grid", "Stylize in every style", self.stylize, [photo, *controls], pictures)

    def stylize(
        self, photo: Upload | None, strength: float, keep: bool, stroke_size: float, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        """Stylize the photo in each style, and show the pictures as they are painted."""
        if photo is None:
            raise GanstyleError("Choose a photo first.")
        file = result_name(Path(photo.name))
        items = [
            BatchItem(photo, key, safe_name(file.name, ending=f"-{key.replace('/', '-')}"))
            for key in self._context.styles.keys
        ]
        controls = Controls(strength, keep, stroke_size=stroke_size)
        archive, shown = f"{file.stem}-in-every-style.zip", -1

        def summarize(count: int) -> str:
            return f"Stylized in {_counted(count, 'style')}."

        for status, download, done in _run(
            self._context, "grid", request, items, controls, archive, summarize
        ):
            grid = [(str(path), key) for path, key in done.items()]
            news = gr.update(value=grid, visible=bool(grid)) if len(grid) != shown else gr.skip()
            shown = len(grid)
            yield news, status, download


def _job(
    context: AppContext, kind: str, label: str, work: Callable[..., Any], inputs: Sequence[Any], *shown: Any
) -> None:
    """Build the status and the buttons of a section; ``work`` yields values of what is shown and of these."""
    status = gr.HTML("", elem_id=f"{kind}-status")
    with gr.Row():
        start = gr.Button(label, variant="primary", elem_id=f"{kind}-start")
        cancel = gr.Button("Cancel", variant="stop", visible=False, elem_id=f"{kind}-cancel")
        download = gr.DownloadButton("Download", variant="primary", visible=False, elem_id=f"{kind}-download")
    connect_job(
        kind,
        context.sessions,
        work,
        start=start,
        stop=cancel,
        inputs=inputs,
        outputs=[*shown, status, download],
        status=status,
    )


def _run(
    context: AppContext,
    kind: str,
    request: gr.Request,
    items: Sequence[BatchItem],
    controls: Controls,
    archive: str,
    summarize: Callable[[int], str],
) -> Iterator[tuple[str, Any, dict[Path, str]]]:
    """Paint pictures as a job, and yield the status, the download's button and the pictures so far."""
    session, sessions = str(request.session_hash), context.sessions
    with sessions.job(session, kind) as stop:
        target = sessions.new_folder(session) / safe_name(archive.replace("/", "-"))

        def work(report: Any) -> BatchResult:
            return paint_batch(items, context.styles, controls, target, stop, report)

        done: dict[Path, str] = {}
        yield progress_line("Starting …", 0), gr.update(visible=False), done
        try:
            for item in run_job(work, stop):
                if isinstance(item, JobResult):
                    done, skipped = item.value.done, item.value.skipped
                    summary = summarize(len(done)) + (f" Skipped: {'; '.join(skipped)}" if skipped else "")
                    label = f"Download {target.name}"
                    button = gr.update(value=str(target), label=label, visible=bool(done))
                    yield progress_line(summary), button, done
                else:
                    text, part, done = item
                    yield progress_line(text, part), gr.skip(), done
        except JobStopped:
            yield progress_line("Cancelled."), gr.skip(), done


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
