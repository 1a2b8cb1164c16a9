"""The tab that turns photos into paintings."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from torch import Tensor

from ganstyle.gui.context import EXAMPLE, AppContext
from ganstyle.gui.jobs import Done, Stopped, run, shown, stoppable, turn
from ganstyle.gui.markup import progress
from ganstyle.gui.stylize_layout import EMPTY, lay_out
from ganstyle.gui.uploads import Upload
from ganstyle.gui.wiring import QUIET, claim_uploads, heavy, long_job
from ganstyle.images import read_image, resize_shorter, shrink, write_image
from ganstyle.stylize import Controls, result_name

_KIND = "stylize"
_PREVIEW, _MASK = 640, 448  # pixels of the longer side
_THUMBNAIL = 160  # pixels of the shorter side


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

    def __init__(self, shop: AppContext) -> None:
        self._shop = shop
        prepared, masked = gr.State(None), gr.State(None)
        at = lay_out(shop.shelf)
        controls = [at.style, at.strength, at.keep, masked]
        shows = [at.slider, at.sides, at.status]
        of_photo = [prepared, masked, at.thumbnails, at.mask, *shows, at.full, at.download]
        at.sides.input(lambda place: gr.update(slider_position=place), at.sides, at.slider, **QUIET)
        claim_uploads(shop.sessions, at.photo)
        at.example.click(self.example, None, at.photo, **QUIET)
        received = at.photo.change(
            shown(self.receive), at.photo, of_photo, trigger_mode="always_last", **heavy(at.status)
        )
        received.failure(self.clear, None, of_photo, **QUIET)
        preview: dict[str, Any] = {
            "fn": shown(self.preview),
            "inputs": [prepared, *controls],
            "outputs": [*shows, at.download],
            "trigger_mode": "always_last",
            **heavy(at.status),
        }
        received.success(**preview)
        gr.on([at.style.change, at.strength.change, at.keep.change], **preview)
        # Not with every change: the browser sends the editor's three pictures seven times over.
        at.brush.click(shown(self.take_mask), at.mask, masked, **QUIET).success(**preview)
        at.thumbnails.select(self.choose, None, at.style, **QUIET)
        long_job(
            _KIND,
            shop.sessions,
            self.paint,
            start=at.full,
            stop=at.cancel,
            inputs=[at.photo, *controls],
            outputs=[at.status, at.download],
            status=at.status,
        )

    def example(self, request: gr.Request) -> str:
        """Return a copy of the example photo: Gradio shows no file that lies elsewhere."""
        folder = self._shop.sessions.new_folder(str(request.session_hash))
        return str(shutil.copy(EXAMPLE, folder))

    def receive(self, photo: Upload | None, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Read a photo and show it in every style."""
        yield self.clear(EMPTY if photo is None else progress("Reading …"))
        if photo is None:
            return
        session, sessions = str(request.session_hash), self._shop.sessions
        with sessions.job(session, f"{_KIND}-receive") as stop, turn(stop):
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
                write_image(self._shop.shelf[key].paint(tiny), picture)
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

    def clear(self, said: str = EMPTY) -> tuple[Any, ...]:
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
                write_image(chosen.paint(small, controls), path)
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
            chosen, controls = self._shop.shelf[style], Controls(strength, keep, mask)
            target = sessions.new_folder(session) / result_name(Path(photo.name))

            def work(report: Any) -> tuple[int, int]:
                image = photo.read()
                with stoppable(chosen.generator, stop, report):
                    result = chosen.paint(image, controls)
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
