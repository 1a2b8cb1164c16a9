"""The tab that turns photos into paintings."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from torch import Tensor

from ganstyle.gui.jobs import Done, Stopped, run, shown, stoppable, turn
from ganstyle.gui.markup import hint, progress
from ganstyle.gui.uploads import OPACITY, MaskInput, PhotoInput, Upload
from ganstyle.gui.wiring import QUIET, heavy, long_job
from ganstyle.gui.workshop import EXAMPLE, Workshop
from ganstyle.images import read_image, resize_shorter, shrink, write_image
from ganstyle.models import MAX_STRENGTH
from ganstyle.stylize import Controls, result_name, stylize_image

_KIND = "stylize"
_PREVIEW, _MASK = 640, 448  # pixels of the longer side
_THUMBNAIL = 160  # pixels of the shorter side

_SIDES = [("Before", 100), ("Both", 50), ("After", 0)]
"""What of the two pictures is seen, and where the slider's handle then is, in percent from the left."""

_EMPTY = hint("Drop a photo to see it in every style.")


@dataclass(frozen=True)
class Prepared:
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
    """Builds the tab in the current context of Gradio.

    Args:
        shop: what all tabs share.
    """

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop
        prepared, masked = gr.State(None), gr.State(None)
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=300):
                photo = PhotoInput(
                    label="Photo",
                    sources=["upload", "clipboard", "webcam"],
                    format="png",
                    height=260,
                    buttons=["fullscreen"],
                    placeholder="Drop a photo here, or choose one",
                    elem_id="photo",
                )
                example = gr.Button("Use the example photo", size="sm", elem_id="example")
                style = gr.Dropdown(shop.shelf.keys, value=shop.shelf.first, label="Style", elem_id="style")
                thumbnails = gr.Gallery(
                    label="This photo in every style",
                    columns=3,
                    fit_columns=False,
                    height="auto",
                    allow_preview=False,
                    object_fit="cover",
                    buttons=[],
                    interactive=False,
                    visible=False,
                    elem_id="thumbnails",
                )
                strength = gr.Slider(
                    0,
                    MAX_STRENGTH,
                    value=Controls().strength,
                    step=0.05,
                    label="Strength",
                    info="0 is the photo, 1 what the style was trained for.",
                    elem_id="strength",
                )
                keep = gr.Checkbox(label="Keep the photo's colours", elem_id="keep")
            with gr.Column(scale=3, min_width=300):
                slider = gr.ImageSlider(
                    label="Before and after",
                    format="png",
                    buttons=["fullscreen"],
                    interactive=False,
                    visible=False,
                    max_height=640,
                    elem_id="slider",
                )
                # Gradio's slider only follows a pointer; these are for the keyboard and for screen readers.
                sides = gr.Radio(
                    _SIDES, value=50, label="Show", container=False, visible=False, elem_id="sides"
                )
                status = gr.HTML(_EMPTY, elem_id="status")
                with gr.Row():
                    full = gr.Button(
                        "Paint at full size", variant="primary", interactive=False, elem_id="full"
                    )
                    cancel = gr.Button("Cancel", variant="stop", visible=False, elem_id="cancel")
                    download = gr.DownloadButton(
                        "Download", variant="primary", visible=False, elem_id="download"
                    )
                with gr.Accordion("Paint only a part", open=False, elem_id="part"):
                    mask = MaskInput(
                        label="Brush over what is to be painted; the rest stays the photo",
                        sources=(),
                        transforms=(),
                        layers=False,
                        brush=gr.Brush(colors=[("#ff5c00", OPACITY)], color_mode="fixed", default_size=40),
                        eraser=gr.Eraser(default_size=40),
                        format="png",
                        buttons=[],
                        height=360,
                        elem_id="mask",
                    )
                    brush = gr.Button("Paint this part", size="sm", elem_id="brush")

        controls = [style, strength, keep, masked]
        of_photo = [prepared, masked, thumbnails, mask, slider, sides, status, full, download]
        sides.input(lambda place: gr.update(slider_position=place), sides, slider, **QUIET)
        example.click(self.example, None, photo, **QUIET)
        received = photo.change(
            shown(self.receive), photo, of_photo, trigger_mode="always_last", **heavy(status)
        )
        received.failure(self.clear, None, of_photo, **QUIET)
        preview: dict[str, Any] = {
            "fn": shown(self.preview),
            "inputs": [prepared, *controls],
            "outputs": [slider, sides, status, download],
            "trigger_mode": "always_last",
            **heavy(status),
        }
        received.success(**preview)
        gr.on([style.change, strength.change, keep.change], **preview)
        # Not with every change: the browser sends the editor's three pictures seven times over.
        brush.click(shown(self.take_mask), mask, masked, **QUIET).success(**preview)
        thumbnails.select(self.choose, None, style, **QUIET)
        long_job(
            _KIND,
            shop.sessions,
            self.paint,
            start=full,
            stop=cancel,
            inputs=[photo, *controls],
            outputs=[status, download],
            status=status,
        )

    def example(self, request: gr.Request) -> str:
        """Return a copy of the example photo: Gradio shows no file that lies elsewhere."""
        folder = self._shop.sessions.new_folder(str(request.session_hash))
        return str(shutil.copy(EXAMPLE, folder))

    def receive(self, photo: Upload | None, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Read a photo and show it in every style."""
        yield self.clear(_EMPTY if photo is None else progress("Reading …"))
        if photo is None:
            return
        session, sessions = str(request.session_hash), self._shop.sessions
        with sessions.job(session, f"{_KIND}-receive") as stop, turn(stop):
            sessions.keep(session, photo.path)
            folder = sessions.new_folder(session)
            image = photo.read()
            small = shrink(image, _PREVIEW)
            write_image(small, folder / "photo.png")
            write_image(shrink(small, _MASK), folder / "mask.jpg")
            height, width = image.shape[-2:]
            prepared = Prepared(photo, folder / "photo.png", (height, width))
            del image
            tiny = resize_shorter(small, min(_THUMBNAIL, *small.shape[-2:]))
            shown_so_far: list[tuple[str, str]] = []
            keys = self._shop.shelf.keys
            for number, key in enumerate(keys, 1):
                picture = folder / f"thumbnail-{number}.jpg"
                write_image(stylize_image(self._shop.shelf[key].generator, tiny), picture)
                shown_so_far.append((str(picture), key))
                yield (
                    prepared,
                    None,
                    gr.update(visible=True, value=list(shown_so_far)),
                    gr.skip() if number < len(keys) else str(folder / "mask.jpg"),
                    gr.skip(),
                    gr.skip(),
                    progress(f"{photo.name}: style {number} of {len(keys)}", number / len(keys)),
                    gr.update(interactive=True),
                    gr.skip(),
                )

    def clear(self, said: str = _EMPTY) -> tuple[Any, ...]:
        """Take away what belongs to the photo before, and say something in its place."""
        nothing = gr.update(visible=False, value=None)
        off, hidden = gr.update(interactive=False), gr.update(visible=False)
        return None, None, nothing, None, nothing, hidden, said, off, hidden

    def take_mask(self, mask: Tensor | None) -> Tensor | None:
        """Take what was painted over; nothing stands for everything."""
        return mask

    def choose(self, event: gr.SelectData) -> Any:
        """Take the style whose thumbnail was clicked."""
        keys = self._shop.shelf.keys
        return keys[event.index] if event.index in range(len(keys)) else gr.skip()

    def preview(
        self,
        prepared: Prepared | None,
        style: str,
        strength: float,
        keep: bool,
        mask: Tensor | None,
        request: gr.Request,
    ) -> tuple[Any, ...]:
        """Paint the small copy."""
        if prepared is None:
            return (gr.skip(),) * 4
        session, sessions = str(request.session_hash), self._shop.sessions
        chosen, controls = self._shop.shelf[style], Controls(strength, keep, mask)
        with sessions.job(session, f"{_KIND}-preview") as stop, turn(stop):
            small = read_image(prepared.preview)
            path = sessions.new_folder(session) / "preview.png"
            with stoppable(chosen.generator, stop):
                write_image(stylize_image(chosen.generator, small, controls), path)
        height, width = prepared.size
        part = "" if mask is None else ", where it is brushed"
        text = f"{prepared.upload.name} in the style {style}{part}. At full size: {width} × {height} pixels."
        pictures = gr.update(value=(str(prepared.preview), str(path)), visible=True)
        return pictures, gr.update(visible=True), progress(text), gr.update(visible=False)

    def paint(
        self,
        photo: Upload | None,
        style: str,
        strength: float,
        keep: bool,
        mask: Tensor | None,
        request: gr.Request,
    ) -> Iterator[tuple[Any, ...]]:
        """Paint the photo itself; the result keeps its name."""
        session, sessions = str(request.session_hash), self._shop.sessions
        with sessions.job(session, _KIND) as stop:
            if photo is None:
                raise gr.Error("there is no photo yet; choose one first", print_exception=False)
            sessions.keep(session, photo.path)
            chosen, controls = self._shop.shelf[style], Controls(strength, keep, mask)
            target = sessions.new_folder(session) / result_name(Path(photo.name))

            def work(report: Any) -> tuple[int, int]:
                image = photo.read()
                with stoppable(chosen.generator, stop, report):
                    result = stylize_image(chosen.generator, image, controls)
                write_image(result, target)
                return result.shape[-2], result.shape[-1]

            yield progress(f"{photo.name} …", 0), gr.update(visible=False)
            try:
                for report in run(work, stop):
                    if isinstance(report, Done):
                        height, width = report.result
                        done = f"{target.name} is ready: {width} × {height} pixels."
                        label = f"Download {target.name}"
                        yield progress(done), gr.update(value=str(target), label=label, visible=True)
                    else:
                        yield progress(f"{photo.name} in the style {style} …", report), gr.skip()
            except Stopped:
                yield progress("Cancelled."), gr.skip()
