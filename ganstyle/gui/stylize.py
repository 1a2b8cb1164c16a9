"""The tab that turns photos into paintings."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gui.batch import BatchSection, GridSection
from ganstyle.gui.blend import BlendSection, PartSection
from ganstyle.gui.catalog import MOST_BAKED
from ganstyle.gui.components import (
    LIGHT_EVENT,
    SHORT_JOB,
    before_and_after,
    claim_uploads,
    connect_job,
    heavy_event,
    placeholder,
    progress_line,
    thumbnail_grid,
    with_toasts,
)
from ganstyle.gui.context import AppContext
from ganstyle.gui.history import History, HistoryEntry, source_of
from ganstyle.gui.inputs import (
    Upload,
    mask_input,
    photo_input,
    small_photo_input,
    strength_input,
    stroke_size_input,
)
from ganstyle.gui.refine import RefineSection
from ganstyle.gui.sessions import JobResult, JobStopped, exclusive, run_job, stoppable
from ganstyle.images import read_image, resize_shorter, shrink, write_image
from ganstyle.shipped import EXAMPLE_PHOTO
from ganstyle.stylize import Controls, result_name

_KIND = "stylize"
_PREVIEW, _MASK = 640, 448  # pixels of the longer side
_THUMBNAIL = 160  # pixels of the shorter side

_NO_PHOTO = placeholder("Drop a photo to see it in every style.")

_VIEWS = [("Before", 100), ("Both", 50), ("After", 0)]
"""Which of the two pictures is visible, and where the slider's handle then is, in percent from the left."""


@dataclass(frozen=True)
class LoadedPhoto:
    """A photo that has been read.

    Attributes:
        upload: the photo's file.
        preview: a small copy of it.
        size: the photo's own (height, width) in pixels.
    """

    upload: Upload
    preview: Path
    size: tuple[int, int]


class StylizeTab:
    """Builds the tab in the current Gradio context.

    Args:
        context: what all tabs share.

    Attributes:
        style: the menu of styles, with the visitor's own.
        other_styles: the menus of styles to combine it with.
    """

    def __init__(self, context: AppContext) -> None:
        self._context = context
        loaded, mask, offered = gr.State(None), gr.State(None), gr.State([])
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=300):
                photo = photo_input("photo")
                example = gr.Button("Use the example photo", size="sm", elem_id="example")
                self.style = style = gr.Dropdown(
                    context.styles.keys, value=context.styles.first, label="Style", elem_id="style"
                )
                with gr.Accordion(
                    "A painting of your own as the style",
                    open=False,
                    visible=context.styles.takes_paintings,
                    elem_id="own",
                ):
                    painting = small_photo_input("Painting", "own-painting")
                    refined = RefineSection(context, photo, style).done
                self.other_styles = [BlendSection(context, style).other, PartSection(context, style).other]
                thumbnails = thumbnail_grid()
                strength, stroke_size = strength_input(), stroke_size_input()
                keep = gr.Checkbox(label="Keep the photo's colors", elem_id="keep")
            with gr.Column(scale=3, min_width=300):
                slider = before_and_after()
                # Gradio's slider only follows a pointer; these are for the keyboard and for screen readers.
                views = gr.Radio(
                    _VIEWS, value=50, label="Show", container=False, visible=False, elem_id="sides"
                )
                status = gr.HTML(_NO_PHOTO, elem_id="status")
                with gr.Row():
                    full = gr.Button(
                        "Stylize at full size", variant="primary", interactive=False, elem_id="full"
                    )
                    cancel = gr.Button("Cancel", variant="stop", visible=False, elem_id="cancel")
                    download = gr.DownloadButton(
                        "Download", variant="primary", visible=False, elem_id="download"
                    )
                with gr.Accordion("Stylize only a part", open=False, elem_id="part"):
                    brush = mask_input("mask")
                    apply_mask = gr.Button("Stylize this part", size="sm", elem_id="brush")
                GridSection(context, photo, [strength, keep, stroke_size])
                BatchSection(context, [style, strength, keep, stroke_size])
                history = History([style, strength, keep, stroke_size])
        context.links.add(style=style, strength=strength, stroke_size=stroke_size, keep_colors=keep)
        controls = [style, strength, keep, mask, stroke_size]
        preview_outputs = [slider, views, status]
        photo_outputs = [loaded, mask, offered, thumbnails, brush, *preview_outputs, full, download]
        views.input(lambda place: gr.update(slider_position=place), views, slider, **LIGHT_EVENT)
        claim_uploads(context.sessions, photo, painting)
        added = painting.change(with_toasts(self.add_painting), painting, style, **SHORT_JOB)
        example.click(self.example, None, photo, **LIGHT_EVENT)
        received = photo.change(
            with_toasts(self.receive), photo, photo_outputs, trigger_mode="always_last", **heavy_event(status)
        )
        received.failure(self.clear, None, photo_outputs, **LIGHT_EVENT)
        preview: dict[str, Any] = {
            "fn": with_toasts(self.preview),
            "inputs": [loaded, *controls, history.entries],
            "outputs": [*preview_outputs, download],
            "trigger_mode": "always_last",
            **heavy_event(status),
        }
        received.success(**preview)
        refined.success(**preview)
        for new in (added, refined):
            new.success(
                with_toasts(self.show_painting),
                [loaded, offered, style],
                [offered, thumbnails],
                **heavy_event(status),
            )
        gr.on([style.change, strength.change, keep.change, stroke_size.change], **preview)
        # Not on each change of the mask: the browser sends the editor's three pictures seven times over.
        apply_mask.click(with_toasts(self.take_mask), brush, mask, **SHORT_JOB).success(**preview)
        thumbnails.select(self.choose, offered, style, **LIGHT_EVENT)
        connect_job(
            _KIND,
            context.sessions,
            self.stylize,
            start=full,
            stop=cancel,
            inputs=[photo, *controls, history.entries],
            outputs=[status, download, history.entries, history.grid],
            status=status,
        )

    def example(self, request: gr.Request) -> str:
        """Return a copy of the example photo: Gradio serves no files from other folders."""
        folder = self._context.sessions.new_folder(str(request.session_hash))
        return str(shutil.copy(EXAMPLE_PHOTO, folder))

    def add_painting(self, painting: Upload | None, request: gr.Request) -> Any:
        """Offer a painting as a style of this visitor, and choose it."""
        if painting is None:
            return gr.skip()
        session, styles = str(request.session_hash), self._context.styles
        key = styles.add_painting(session, painting)
        self._context.sessions.claim(session, painting.path)
        return gr.update(choices=styles.choices(session), value=key)

    def receive(self, photo: Upload | None, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Read a photo and show it in every style that can be loaded."""
        yield self.clear(_NO_PHOTO if photo is None else progress_line("Reading the photo …"))
        if photo is None:
            return
        session, sessions = str(request.session_hash), self._context.sessions
        with sessions.job(session, f"{_KIND}-receive") as stop, exclusive(stop):
            folder = sessions.new_folder(session)
            image = photo.read()
            small = shrink(image, _PREVIEW)
            write_image(small, folder / "photo.png")
            write_image(shrink(small, _MASK), folder / "mask.jpg")
            height, width = image.shape[-2:]
            loaded = LoadedPhoto(photo, folder / "photo.png", (height, width))
            del image
            tiny = _tiny(small)
            offered: list[tuple[str, str]] = []
            keys = [*self._context.styles.keys, *self._context.styles.paintings(session)[-MOST_BAKED:]]
            for number, key in enumerate(keys, 1):
                picture = folder / f"thumbnail-{number}.jpg"
                try:
                    write_image(self._context.styles[key].paint(tiny), picture)
                    offered.append((str(picture), key))
                except GanstyleError:  # its file is gone or damaged: that is no fault of the photo's
                    if number == len(keys) and not offered:
                        raise
                yield (
                    loaded,
                    None,
                    list(offered),
                    self._thumbnails(offered),
                    gr.skip() if number < len(keys) else str(folder / "mask.jpg"),
                    gr.skip(),
                    gr.skip(),
                    progress_line(f"{photo.name}: style {number} of {len(keys)}", number / len(keys)),
                    gr.update(interactive=True),
                    gr.skip(),
                )

    def show_painting(
        self,
        loaded: LoadedPhoto | None,
        offered: list[tuple[str, str]],
        style: str,
        request: gr.Request,
    ) -> tuple[Any, ...]:
        """Show the photo in the style of a visitor's painting among those in the other styles."""
        session, styles = str(request.session_hash), self._context.styles
        if loaded is None or styles.painting(session, style) is None:
            return gr.skip(), gr.skip()
        with self._context.sessions.job(session, f"{_KIND}-thumbnail") as stop, exclusive(stop):
            picture = self._context.sessions.new_folder(session) / "thumbnail.jpg"
            write_image(styles[style].paint(_tiny(read_image(loaded.preview))), picture)
        new = dict([(key, path) for path, key in offered] + [(style, str(picture))])
        offered = [(path, key) for key, path in new.items()]
        return offered, self._thumbnails(offered)

    def _thumbnails(self, offered: list[tuple[str, str]]) -> Any:
        """Return the update of the grid that shows these pictures, each with its style's key."""
        shown = [(path, self._context.styles.label(key)) for path, key in offered]
        return gr.update(visible=True, value=shown)

    def clear(self, status: str = _NO_PHOTO) -> tuple[Any, ...]:
        """Remove what belongs to the previous photo."""
        nothing = gr.update(visible=False, value=None)
        disabled, hidden = gr.update(interactive=False), gr.update(visible=False)
        return None, None, [], nothing, None, nothing, hidden, status, disabled, hidden

    def take_mask(self, mask: Tensor | None) -> Tensor | None:
        """Return the brushed part; None stands for the whole photo."""
        return mask

    def choose(self, offered: list[tuple[str, str]], event: gr.SelectData) -> Any:
        """Return the style whose thumbnail was clicked."""
        return offered[event.index][1] if event.index in range(len(offered)) else gr.skip()

    def preview(
        self,
        loaded: LoadedPhoto | None,
        style: str,
        strength: float,
        keep: bool,
        mask: Tensor | None,
        stroke_size: float,
        entries: list[HistoryEntry],
        request: gr.Request,
    ) -> tuple[Any, ...]:
        """Stylize the small copy; the last full-size picture is offered only while it has these settings."""
        if loaded is None:
            return (gr.skip(),) * 4
        session, sessions = str(request.session_hash), self._context.sessions
        chosen, controls = self._context.styles.painter(style), Controls(strength, keep, mask, stroke_size)
        with sessions.job(session, f"{_KIND}-preview") as stop, exclusive(stop):
            small = read_image(loaded.preview)
            path = sessions.new_folder(session) / "preview.png"
            with stoppable(chosen.generator, stop):
                write_image(chosen.paint(small, controls), path)
        height, width = loaded.size
        part = "" if mask is None else " where brushed"
        label = self._context.styles.label(style)
        text = f"{loaded.upload.name} in the style {label}{part}. Full size: {width} × {height} pixels."
        pictures = gr.update(value=(str(loaded.preview), str(path)), visible=True)
        now = (style, strength, keep, stroke_size), source_of(loaded.upload.path, mask)
        ready = bool(entries) and (entries[0].settings, entries[0].source) == now
        return pictures, gr.update(visible=True), progress_line(text), gr.update(visible=ready)

    def stylize(
        self,
        photo: Upload | None,
        style: str,
        strength: float,
        keep: bool,
        mask: Tensor | None,
        stroke_size: float,
        entries: list[HistoryEntry],
        request: gr.Request,
    ) -> Iterator[tuple[Any, ...]]:
        """Stylize the photo at full size; the result keeps its name."""
        session, sessions = str(request.session_hash), self._context.sessions
        with sessions.job(session, _KIND) as stop:
            if photo is None:
                raise gr.Error("Choose a photo first.", print_exception=False)
            chosen, controls = (
                self._context.styles.painter(style),
                Controls(strength, keep, mask, stroke_size),
            )
            title = f"{photo.name} in the style {self._context.styles.label(style)}"
            target = sessions.new_folder(session) / result_name(Path(photo.name))

            def work(report: Any) -> tuple[int, int]:
                image = photo.read()
                with stoppable(chosen.generator, stop, report):
                    result = chosen.paint(image, controls)
                write_image(result, target)
                return result.shape[-2], result.shape[-1]

            yield progress_line(f"{photo.name} …", 0), gr.update(visible=False), gr.skip(), gr.skip()
            try:
                for report in run_job(work, stop):
                    if isinstance(report, JobResult):
                        height, width = report.value
                        done = f"{target.name} is ready: {width} × {height} pixels."
                        label = f"Download {target.name}"
                        settings = (style, strength, keep, stroke_size)
                        made = HistoryEntry(str(target), title, settings, source_of(photo.path, mask))
                        yield (
                            progress_line(done),
                            gr.update(value=str(target), label=label, visible=True),
                            *History.add(entries, made),
                        )
                    else:
                        yield progress_line(f"{title} …", report), gr.skip(), gr.skip(), gr.skip()
            except JobStopped:
                yield progress_line("Cancelled."), gr.skip(), gr.skip(), gr.skip()


def _tiny(small: Tensor) -> Tensor:
    return resize_shorter(small, min(_THUMBNAIL, *small.shape[-2:]))
