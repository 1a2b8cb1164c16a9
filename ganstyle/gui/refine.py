"""The section that trains the style of a visitor's painting further, on the visitor's photo."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.events import Dependency

from ganstyle.errors import GanstyleError
from ganstyle.evaluate.run_view import run_fingerprint
from ganstyle.files import sha256
from ganstyle.gui.components import TRAINING_LANE, aside, connect_job, progress_line, public_message
from ganstyle.gui.drawing import RunDrawings
from ganstyle.gui.inputs import PhotoInput, Upload
from ganstyle.gui.sessions import JobStopped
from ganstyle.images import resize_shorter, write_image
from ganstyle.recipe.run import name_from_file
from ganstyle.runs.background import Trainer, TrainingStatus

if TYPE_CHECKING:
    from ganstyle.gui.context import AppContext

_MINUTES = 2
_KIND = "refine"
_INTERVAL = 0.5  # seconds between two looks at the training
_SIDE = 1024  # pixels of the shorter side: more than the training looks at

_NO_PAINTING = "Drop a painting of your own first, and choose it as the style."


class RefineSection:
    """Builds the buttons in the current Gradio context.

    Args:
        context: what all tabs share.
        photo: what the style is trained on; without one, on the example photo.
        style: where styles are chosen; the refined style takes its painting's place there.

    Attributes:
        done: the event after which the style is another one.
    """

    def __init__(self, context: "AppContext", photo: PhotoInput, style: gr.Dropdown) -> None:
        self._context, self._drawings = context, RunDrawings()
        with gr.Row():
            start = gr.Button(f"Refine for {_MINUTES} minutes", size="sm", elem_id=_KIND)
            stop = gr.Button("Stop", variant="stop", size="sm", visible=False, elem_id=f"{_KIND}-stop")
        status = gr.HTML(
            aside("Trains the chosen painting's style on your photo; stopped, it keeps the best so far."),
            elem_id=f"{_KIND}-status",
        )
        samples = gr.HTML("", elem_id=f"{_KIND}-samples")
        download = gr.DownloadButton(
            "Download the style", size="sm", visible=False, elem_id=f"{_KIND}-download"
        )
        self.done: Dependency = connect_job(
            _KIND,
            context.sessions,
            self.refine,
            start=start,
            stop=stop,
            inputs=[photo, style],
            outputs=[status, samples, download, style],
            status=status,
            lane=TRAINING_LANE,
        )

    def refine(self, photo: Upload | None, style: str, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Fit the style to its painting, show how it goes, and let the result take its place."""
        session, sessions = str(request.session_hash), self._context.sessions
        with sessions.job(session, _KIND) as stop:
            painting = self._context.styles.painting(session, style)
            if painting is None:
                raise GanstyleError(_NO_PAINTING)
            if stop.is_set():
                raise JobStopped
            yield progress_line("Preparing …", 0), "", gr.update(visible=False), gr.skip()
            # In the folder of the style's earlier refinement, the training goes on.
            earlier = self._context.styles.refined(style)
            folder = earlier.parent if earlier else sessions.new_folder(session)
            name = name_from_file(Path(painting.name))
            source, output = folder / f"{name}.png", folder / f"{name}.safetensors"
            _keep(painting, source)
            photos, runs = None, folder / "runs"
            if photo:
                # On the painting too: the style must stay one for other photos.
                version = sha256(photo.path)[:8]
                photos, runs = folder / f"photos-{version}", folder / f"runs-{version}"
                _keep(photo, photos / "photo.png")
                _keep(painting, photos / "painting.png")
            trainer = self._context.refiner
            trainer.start_fit(source, output, photos=photos, runs=runs, minutes=_MINUTES)
            for text, part, drawn in self._watch(trainer, stop, runs):
                yield progress_line(text, part), drawn, gr.skip(), gr.skip()
            ended = trainer.status
            assert ended
            if ended.state == "failed":
                raise GanstyleError(ended.text)
            if not output.exists():
                raise JobStopped
            if not ended.text:
                self._context.styles.refine(session, style, output)
            label = f"Download {output.name}"
            yield (
                progress_line(_describe(ended, painting.name)),
                gr.skip(),
                gr.update(value=str(output), label=label, visible=True),
                gr.update(choices=self._context.styles.choices(session), value=style),
            )

    def _watch(self, trainer: Trainer, stop: Event, runs: Path) -> Iterator[tuple[str, float, Any]]:
        """Until a training ends, yield what there is to say, how much is done, and its latest samples."""
        seen: Any = None
        try:
            while True:
                if stop.is_set():
                    trainer.stop()
                status = trainer.status
                if not (status and status.running):
                    break
                drawn = None
                run = next(filter(Path.is_dir, runs.glob("*/*")), None)  # the only one there
                if run and run_fingerprint(run):
                    with suppress(OSError, ValueError, KeyError, TypeError):  # being written just now
                        drawn = self._drawings.latest(run)
                now = status, drawn and drawn.version
                if now != seen:
                    seen = now
                    yield (*_progress(status), drawn.samples if drawn else gr.skip())
                time.sleep(_INTERVAL)
        finally:
            trainer.stop()
            trainer.wait()


def _keep(upload: Upload, path: Path) -> None:
    image = upload.read()
    write_image(resize_shorter(image, min(_SIDE, *image.shape[-2:])), path)


def _progress(status: TrainingStatus) -> tuple[str, float]:
    if status.state == "stopping":
        return "Stopping; the best so far is kept …", 1.0
    if status.state == "preparing":
        return public_message(GanstyleError(status.text)), 0.0
    text = f"Step {status.step:,} of {status.steps:,}, {round(status.eta)} s left"
    return text, status.step / max(status.steps, 1)


def _describe(ended: TrainingStatus, painting: str) -> str:
    if ended.text:
        return f"After {ended.step:,} steps, {painting} paints {ended.text}; it stays as it was."
    return f"{painting} has been refined, in {ended.step:,} steps."
