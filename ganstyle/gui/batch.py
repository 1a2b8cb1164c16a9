"""The part of the Stylize tab that stylizes several photos and gives a ZIP file."""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr

from ganstyle.errors import ImageError
from ganstyle.files import atomic_write
from ganstyle.gui.components import Upload, photo_files_input, progress_line, safe_name
from ganstyle.gui.context import AppContext
from ganstyle.gui.events import claim_uploads, connect_job, public_message
from ganstyle.gui.sessions import JobResult, JobStopped, run_job, stoppable
from ganstyle.images import write_image
from ganstyle.stylize import Controls, result_name

_KIND = "batch"


@dataclass
class BatchResult:
    """What came of several photos.

    Attributes:
        done: names of the stylized photos in the ZIP file.
        skipped: a reason for each photo that could not be stylized, which names it.
    """

    done: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


class BatchSection:
    """Builds the section in the current Gradio context.

    Args:
        context: what all tabs share.
        controls: the components for style, strength, colors and stroke size.
    """

    def __init__(self, context: AppContext, controls: Sequence[Any]) -> None:
        self._context = context
        with gr.Accordion("Stylize several photos", open=False, elem_id="several"):
            photos = photo_files_input("batch-photos")
            status = gr.HTML("", elem_id="batch-status")
            with gr.Row():
                start = gr.Button("Stylize all", variant="primary", elem_id="batch-start")
                cancel = gr.Button("Cancel", variant="stop", visible=False, elem_id="batch-cancel")
                download = gr.DownloadButton(
                    "Download", variant="primary", visible=False, elem_id="batch-download"
                )
        claim_uploads(context.sessions, photos)
        connect_job(
            _KIND,
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
        """Stylize all photos at full size; photos that cannot be read are skipped and reported."""
        session, sessions = str(request.session_hash), self._context.sessions
        with sessions.job(session, _KIND) as stop:
            if not photos:
                raise gr.Error("Choose some photos first.", print_exception=False)
            chosen = self._context.styles[style]
            controls = Controls(strength, keep, stroke_size=stroke_size)
            target = sessions.new_folder(session) / safe_name(f"{style.replace('/', '-')}.zip")

            def work(report: Any) -> BatchResult:
                result = BatchResult()
                with atomic_write(target) as temporary, zipfile.ZipFile(temporary, "w") as archive:
                    for number, photo in enumerate(photos):

                        def report_layer(part: float, number: int = number, name: str = photo.name) -> None:
                            report((name, (number + part) / len(photos)))

                        try:
                            with stoppable(chosen.generator, stop, report_layer):
                                painted = chosen.paint(photo.read(), controls)
                        except ImageError as error:
                            result.skipped.append(public_message(error))
                            continue
                        picture = target.with_name(result_name(Path(photo.name)).name)
                        write_image(painted, picture)
                        name = unique_name(picture.name, result.done)
                        archive.write(picture, name)  # photos do not get smaller by compression
                        picture.unlink()
                        result.done.append(name)
                return result

            yield progress_line("Starting …", 0), gr.update(visible=False)
            try:
                for item in run_job(work, stop):
                    if isinstance(item, JobResult):
                        yield progress_line(_summary(item.value)), _download(target, item.value)
                    else:
                        name, part = item
                        yield progress_line(f"{name} in the style {style} …", part), gr.skip()
            except JobStopped:
                yield progress_line("Cancelled."), gr.skip()


def unique_name(name: str, taken: Sequence[str]) -> str:
    """Return a file name, with a number if it is taken already; upper and lower case are not told apart."""
    used = {each.lower() for each in taken}
    stem, suffix = Path(name).stem, Path(name).suffix
    number, candidate = 1, name
    while candidate.lower() in used:
        number += 1
        candidate = f"{stem} ({number}){suffix}"
    return candidate


def _summary(result: BatchResult) -> str:
    count = len(result.done)
    text = f"{count} photo{'' if count == 1 else 's'} stylized."
    return text if not result.skipped else f"{text} Skipped: {'; '.join(result.skipped)}"


def _download(target: Path, result: BatchResult) -> Any:
    if not result.done:
        return gr.update(visible=False)
    return gr.update(value=str(target), label=f"Download {target.name}", visible=True)
