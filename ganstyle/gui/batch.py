"""The parts of the Stylize tab that paint many pictures: several photos, or one photo in every style."""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Stop
from typing import Any

import gradio as gr

from ganstyle.errors import GanstyleError, ImageError
from ganstyle.files import atomic_write
from ganstyle.gui.catalog import StyleCatalog
from ganstyle.gui.components import progress_line
from ganstyle.gui.context import AppContext
from ganstyle.gui.events import claim_uploads, connect_job, public_message
from ganstyle.gui.inputs import PhotoInput, Upload, photo_files_input, safe_name
from ganstyle.gui.pictures import picture_grid
from ganstyle.gui.sessions import JobResult, JobStopped, run_job, stoppable
from ganstyle.images import write_image
from ganstyle.stylize import Controls, result_name


@dataclass
class BatchResult:
    """What came of several pictures.

    Attributes:
        archive: the ZIP file.
        done: the pictures in it, each also by itself in the archive's folder.
        skipped: a reason for each photo that could not be stylized, which names it.
    """

    archive: Path
    done: list[Path] = field(default_factory=list)
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
    report: Callable[[tuple[str, float, list[Path]]], None],
) -> BatchResult:
    """Paint pictures at full size into a ZIP file; photos that cannot be read are skipped and reported.

    Args:
        items: what to paint.
        styles: what to paint with.
        controls: for all of them.
        archive: the ZIP file; each picture is also written beside it.
        stop: set when it should stop.
        report: told of the progress: what is being painted, the share that is done, and the pictures so far.

    Raises:
        JobStopped: it was asked to stop.
    """
    result = BatchResult(archive)
    with atomic_write(archive) as temporary, zipfile.ZipFile(temporary, "w") as file:
        for number, item in enumerate(items):
            text = f"{item.photo.name} in the style {styles.label(item.style)} …"

            def report_layer(part: float, number: int = number, text: str = text) -> None:
                report((text, (number + part) / len(items), list(result.done)))

            chosen = styles[item.style]
            try:
                with stoppable(chosen.generator, stop, report_layer):
                    painted = chosen.paint(item.photo.read(), controls)
            except ImageError as error:
                result.skipped.append(public_message(error))
                continue
            name = unique_name(item.name, [path.name for path in result.done])
            picture = archive.with_name(name)
            write_image(painted, picture)
            file.write(picture, name)  # photos do not get smaller by compression
            result.done.append(picture)
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
            status, start, cancel, download = _controls("batch", "Stylize all")
        claim_uploads(context.sessions, photos)
        connect_job(
            "batch",
            context.sessions,
            self.stylize,
            start=start,
            stop=cancel,
            inputs=[photos, *controls],
            outputs=[status, download],
            status=status,
        )

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
        for status, download, _ in _run(
            self._context, "batch", request, items, controls, f"{self._context.styles.label(style)}.zip"
        ):
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
            status, start, cancel, download = _controls("grid", "Stylize in every style")
        connect_job(
            "grid",
            context.sessions,
            self.stylize,
            start=start,
            stop=cancel,
            inputs=[photo, *controls],
            outputs=[pictures, status, download],
            status=status,
        )

    def stylize(
        self, photo: Upload | None, strength: float, keep: bool, stroke_size: float, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        """Stylize the photo in each style, and show the pictures as they are painted."""
        if photo is None:
            raise GanstyleError("Choose a photo first.")
        file = result_name(Path(photo.name))
        items = [
            BatchItem(photo, key, safe_name(f"{file.stem}-{key.replace('/', '-')}{file.suffix}"))
            for key in self._context.styles.keys
        ]
        controls = Controls(strength, keep, stroke_size=stroke_size)
        shown = -1
        for status, download, done in _run(
            self._context, "grid", request, items, controls, f"{file.stem}-in-every-style.zip"
        ):
            # Photos that cannot be read end the list, so pictures and styles go together.
            grid = [(str(path), item.style) for path, item in zip(done, items, strict=False)]
            news = gr.update(value=grid, visible=bool(grid)) if len(grid) != shown else gr.skip()
            shown = len(grid)
            yield news, status, download


def unique_name(name: str, taken: Sequence[str]) -> str:
    """Return a file name, with a number if it is taken already; upper and lower case are not told apart."""
    used = {each.lower() for each in taken}
    stem, suffix = Path(name).stem, Path(name).suffix
    number, candidate = 1, name
    while candidate.lower() in used:
        number += 1
        candidate = f"{stem} ({number}){suffix}"
    return candidate


def _controls(kind: str, label: str) -> tuple[gr.HTML, gr.Button, gr.Button, gr.DownloadButton]:
    """Return the status and the buttons of a section."""
    status = gr.HTML("", elem_id=f"{kind}-status")
    with gr.Row():
        start = gr.Button(label, variant="primary", elem_id=f"{kind}-start")
        cancel = gr.Button("Cancel", variant="stop", visible=False, elem_id=f"{kind}-cancel")
        download = gr.DownloadButton("Download", variant="primary", visible=False, elem_id=f"{kind}-download")
    return status, start, cancel, download


def _run(
    context: AppContext,
    kind: str,
    request: gr.Request,
    items: Sequence[BatchItem],
    controls: Controls,
    archive: str,
) -> Iterator[tuple[str, Any, list[Path]]]:
    """Paint pictures as a job, and yield the status, the download's button and the pictures so far."""
    session, sessions = str(request.session_hash), context.sessions
    with sessions.job(session, kind) as stop:
        target = sessions.new_folder(session) / safe_name(archive.replace("/", "-"))

        def work(report: Any) -> BatchResult:
            return paint_batch(items, context.styles, controls, target, stop, report)

        yield progress_line("Starting …", 0), gr.update(visible=False), []
        try:
            for item in run_job(work, stop):
                if isinstance(item, JobResult):
                    yield progress_line(_summary(item.value)), _download(item.value), item.value.done
                else:
                    text, part, done = item
                    yield progress_line(text, part), gr.skip(), done
        except JobStopped:
            yield progress_line("Cancelled."), gr.skip(), []


def _summary(result: BatchResult) -> str:
    count = len(result.done)
    text = f"{count} photo{'' if count == 1 else 's'} stylized."
    return text if not result.skipped else f"{text} Skipped: {'; '.join(result.skipped)}"


def _download(result: BatchResult) -> Any:
    if not result.done:
        return gr.update(visible=False)
    return gr.update(value=str(result.archive), label=f"Download {result.archive.name}", visible=True)
