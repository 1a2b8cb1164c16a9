"""The tab of the classical baseline: a picture that is optimized before one's eyes."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Stop
from typing import Any

import gradio as gr

from ganstyle.gatys import (
    DEFAULTS,
    GatysSettings,
    Iterate,
    OptimizationEvent,
    Result,
    StopOptimization,
    installed_optimizers,
    optimize,
)
from ganstyle.gui.context import AppContext
from ganstyle.gui.jobs import Done, Stopped, run
from ganstyle.gui.markup import chart, hint, picture, progress
from ganstyle.gui.uploads import Upload, small_input
from ganstyle.gui.wiring import claim_uploads, long_job
from ganstyle.images import encode_jpeg, resize_shorter, write_image
from ganstyle.reports import thinned
from ganstyle.runs.events import Message

_KIND = "optimize"
_SIZE = 256  # pixels of the shorter side at first: a minute or two on a laptop
_PICTURE, _CHART = 0.7, 2.0  # seconds between two pictures, and between two charts

_NO_PICTURE = hint("Give a photo and a painting: the picture evolves here.")
_NO_CHART = hint("The loss is drawn here.")


class OptimizeTab:
    """Builds the tab in the current context of Gradio.

    Args:
        shop: what all tabs share.
    """

    def __init__(self, shop: AppContext) -> None:
        self._shop = shop
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=300):
                with gr.Row(elem_classes="pair"):
                    photo = small_input("Photo", "optimize-photo")
                    painting = small_input("Painting", "optimize-painting")
                optimizer = gr.Dropdown(
                    installed_optimizers(), value=DEFAULTS.optimizer, label="Optimizer", elem_id="optimizer"
                )
                steps = gr.Slider(1, 500, value=DEFAULTS.steps, step=1, label="Steps", elem_id="steps")
                size = gr.Slider(
                    64, 512, value=_SIZE, step=32, label="Shorter side in pixels", elem_id="optimize-size"
                )
                with gr.Accordion("More", open=False):
                    weight = gr.Slider(
                        1,
                        200,
                        value=DEFAULTS.style_weight,
                        step=1,
                        label="Weight of the painting",
                        elem_id="style-weight",
                    )
                    color = gr.Radio(
                        [
                            ("the painting's", "off"),
                            ("the photo's: only light and dark change", "luminance"),
                            ("the photo's: the painting is recolored first", "match"),
                        ],
                        value="off",
                        label="Colors",
                        elem_id="optimize-color",
                    )
                with gr.Row():
                    start = gr.Button("Optimize", variant="primary", elem_id="optimize-start")
                    halt = gr.Button("Stop", variant="stop", visible=False, elem_id="optimize-stop")
                gr.HTML(f'<p class="aside">Measured with {shop.vgg.name}.</p>')
            with gr.Column(scale=3, min_width=300):
                shows = gr.HTML(_NO_PICTURE, elem_id="optimize-picture")
                status = gr.HTML(progress(""), elem_id="optimize-status")
                download = gr.DownloadButton(
                    "Download", variant="primary", visible=False, elem_id="optimize-download"
                )
                curve = gr.HTML(_NO_CHART, elem_id="optimize-curve")
        claim_uploads(shop.sessions, photo, painting)
        long_job(
            _KIND,
            shop.sessions,
            self.paint,
            start=start,
            stop=halt,
            inputs=[photo, painting, optimizer, steps, size, weight, color],
            outputs=[shows, curve, status, download],
            status=status,
        )

    def paint(
        self,
        photo: Upload | None,
        painting: Upload | None,
        optimizer: str,
        steps: float,
        size: float,
        weight: float,
        color: str,
        request: gr.Request,
    ) -> Iterator[tuple[Any, ...]]:
        """Optimize, and show how far it is."""
        session, sessions = str(request.session_hash), self._shop.sessions
        with sessions.job(session, _KIND) as stop:
            if photo is None or painting is None:
                raise gr.Error("name a photo and a painting; one of them is missing", print_exception=False)
            watch = _Watch(stop)

            def work(report: Any) -> Result:
                watch.report = report
                content = photo.read()
                shorter = min(int(size), *content.shape[-2:])
                style = painting.read()
                return optimize(
                    resize_shorter(content, shorter).to(self._shop.device),
                    [resize_shorter(style, min(shorter, *style.shape[-2:])).to(self._shop.device)],
                    features=self._shop.features,
                    settings=GatysSettings(
                        optimizer=optimizer,
                        steps=int(steps),
                        size=shorter,
                        style_weight=weight,
                        preserve_color=color,
                    ),
                    callback=watch,
                )

            yield _NO_PICTURE, _NO_CHART, progress("Preparing …", 0), gr.update(visible=False)
            drawn = 0.0
            try:
                for item in run(work, stop):
                    if isinstance(item, Done):
                        target = sessions.new_folder(session) / f"{Path(photo.name).stem}-optimized.png"
                        write_image(item.result.image, target)
                        yield self._last(item.result, watch, target)
                        return
                    due = item.step > 1 and time.monotonic() - drawn > _CHART
                    drawn = time.monotonic() if due else drawn
                    yield (
                        picture(encode_jpeg(item.image), kind="jpeg", alt="The picture so far"),
                        _chart(watch) if due else gr.skip(),
                        progress(_line(item), item.step / item.steps),
                        gr.skip(),
                    )
            except Stopped:
                yield gr.skip(), gr.skip(), progress("Stopped before there was a picture."), gr.skip()

    def _last(self, result: Result, watch: "_Watch", target: Path) -> tuple[Any, ...]:
        """Return what stands at the end."""
        head = "Stopped; this is the best so far" if result.interrupted else "Done"
        text = f"{head}: loss {result.loss:.4f} after {result.steps} steps, {result.seconds:.0f} s."
        return (
            picture(encode_jpeg(result.image, quality=95), kind="jpeg", alt="The optimized picture"),
            _chart(watch) if watch.losses else gr.skip(),
            progress(" ".join([text, *watch.notes[-1:]])),
            gr.update(value=str(target), label=f"Download {target.name}", visible=True),
        )


@dataclass
class _Watch:
    """Gathers what an optimization tells, and passes a picture on now and then."""

    stop: Stop
    losses: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    report: Any = None
    _shown: float = 0.0

    def __call__(self, event: OptimizationEvent) -> None:
        if isinstance(event, Message):
            self.notes.append(event.text)
        else:
            # Losses of two scales do not compare.
            self.losses.setdefault(f"{event.scale} px", []).append((event.step, event.loss))
            if time.monotonic() - self._shown > _PICTURE or event.step == 1:
                self._shown = time.monotonic()
                self.report(event)
        if self.stop.is_set():
            raise StopOptimization


def _line(event: Iterate) -> str:
    return (
        f"Step {event.step} of {event.steps}, {event.scale} px, loss {event.loss:.4f}, {event.seconds:.0f} s"
    )


def _chart(watch: _Watch) -> str:
    curves = {name: thinned(list(points)) for name, points in list(watch.losses.items())}
    return chart(curves, title="Loss", x="step", y="loss")
