"""The tab of the classical baseline: optimize a picture and watch it change."""

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
from ganstyle.gui.components import (
    aside,
    chart,
    claim_uploads,
    connect_job,
    picture,
    placeholder,
    progress_line,
)
from ganstyle.gui.context import AppContext
from ganstyle.gui.inputs import Upload
from ganstyle.gui.optimization_inputs import (
    photo_and_painting_inputs,
    side_input,
    start_and_stop_buttons,
    steps_input,
)
from ganstyle.gui.sessions import JobResult, JobStopped, run_job
from ganstyle.images import encode_jpeg, resize_shorter, write_image
from ganstyle.reports import thinned
from ganstyle.runs.events import Message

_KIND = "optimize"
_SIZE = 256  # pixels of the shorter side by default: a minute or two on a laptop
_PICTURE_INTERVAL, _CHART_INTERVAL = 0.7, 2.0  # seconds

_NO_PICTURE = placeholder("Choose a photo and a painting to watch the picture change.")
_NO_CHART = placeholder("The loss appears here.")


class OptimizeTab:
    """Builds the tab in the current Gradio context.

    Args:
        context: what all tabs share.
    """

    def __init__(self, context: AppContext) -> None:
        self._context = context
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=300):
                photo, painting = photo_and_painting_inputs(_KIND)
                optimizer = gr.Dropdown(
                    installed_optimizers(), value=DEFAULTS.optimizer, label="Optimizer", elem_id="optimizer"
                )
                steps = steps_input("Steps", "steps")
                size = side_input(_SIZE, "optimize-size")
                with gr.Accordion("More settings", open=False):
                    weight = gr.Slider(
                        1,
                        200,
                        value=DEFAULTS.style_weight,
                        step=1,
                        label="Style weight",
                        elem_id="style-weight",
                    )
                    color = gr.Radio(
                        [
                            ("The painting's", "off"),
                            ("The photo's: only brightness changes", "luminance"),
                            ("The photo's: the painting is recolored first", "match"),
                        ],
                        value="off",
                        label="Colors",
                        elem_id="optimize-color",
                    )
                start, halt = start_and_stop_buttons("Optimize", "Stop", _KIND)
                gr.HTML(aside(f"Losses are computed with {context.vgg.name}."))
            with gr.Column(scale=3, min_width=300):
                shows = gr.HTML(_NO_PICTURE, elem_id="optimize-picture")
                status = gr.HTML(progress_line(""), elem_id="optimize-status")
                download = gr.DownloadButton(
                    "Download", variant="primary", visible=False, elem_id="optimize-download"
                )
                curve = gr.HTML(_NO_CHART, elem_id="optimize-curve")
        context.links.add(optimizer=optimizer, steps=steps, size=size, style_weight=weight, colors=color)
        claim_uploads(context.sessions, photo, painting)
        connect_job(
            _KIND,
            context.sessions,
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
        """Optimize, and show the progress."""
        session, sessions = str(request.session_hash), self._context.sessions
        with sessions.job(session, _KIND) as stop:
            if photo is None or painting is None:
                raise gr.Error("Choose a photo and a painting first.", print_exception=False)
            monitor = _Monitor(stop)

            def work(report: Any) -> Result:
                monitor.report = report
                content = photo.read()
                shorter = min(int(size), *content.shape[-2:])
                style = painting.read()
                return optimize(
                    resize_shorter(content, shorter).to(self._context.device),
                    [resize_shorter(style, min(shorter, *style.shape[-2:])).to(self._context.device)],
                    features=self._context.optimization_features,
                    settings=GatysSettings(
                        optimizer=optimizer,
                        steps=int(steps),
                        size=shorter,
                        style_weight=weight,
                        preserve_color=color,
                    ),
                    callback=monitor,
                )

            yield _NO_PICTURE, _NO_CHART, progress_line("Preparing …", 0), gr.update(visible=False)
            drawn = 0.0
            try:
                for item in run_job(work, stop):
                    if isinstance(item, JobResult):
                        target = sessions.new_folder(session) / f"{Path(photo.name).stem}-optimized.png"
                        write_image(item.value.image, target)
                        yield _render_result(item.value, monitor, target)
                        return
                    due = item.step > 1 and time.monotonic() - drawn > _CHART_INTERVAL
                    drawn = time.monotonic() if due else drawn
                    yield (
                        picture(encode_jpeg(item.image), kind="jpeg", alt="The picture so far"),
                        _render_losses(monitor) if due else gr.skip(),
                        progress_line(_describe(item), item.step / item.steps),
                        gr.skip(),
                    )
            except JobStopped:
                yield gr.skip(), gr.skip(), progress_line("Stopped before there was a picture."), gr.skip()


@dataclass
class _Monitor:
    """Collects the events of an optimization, and reports a picture now and then."""

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
            if time.monotonic() - self._shown > _PICTURE_INTERVAL or event.step == 1:
                self._shown = time.monotonic()
                self.report(event)
        if self.stop.is_set():
            raise StopOptimization


def _describe(event: Iterate) -> str:
    return (
        f"Step {event.step} of {event.steps}, {event.scale} px, loss {event.loss:.4f}, {event.seconds:.0f} s"
    )


def _render_losses(monitor: _Monitor) -> str:
    curves = {name: thinned(list(points)) for name, points in list(monitor.losses.items())}
    return chart(curves, title="Loss", x="step", y="loss")


def _render_result(result: Result, monitor: _Monitor, target: Path) -> tuple[Any, ...]:
    """Return the outputs at the end."""
    head = "Stopped; this is the best so far" if result.interrupted else "Done"
    text = f"{head}: loss {result.loss:.4f} after {result.steps} steps, {result.seconds:.0f} s."
    return (
        picture(encode_jpeg(result.image, quality=95), kind="jpeg", alt="The optimized picture"),
        _render_losses(monitor) if monitor.losses else gr.skip(),
        progress_line(" ".join([text, *monitor.notes[-1:]])),
        gr.update(value=str(target), label=f"Download {target.name}", visible=True),
    )
