"""The tab that lays a style beside the classical baseline, on one photo."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from ganstyle.evaluate.compare import (
    SIZE,
    CompareEvent,
    PictureFinished,
    StyleComparison,
    compare_with_gatys,
)
from ganstyle.evaluate.reference import find_reference
from ganstyle.gatys import DEFAULTS
from ganstyle.gui.context import AppContext
from ganstyle.gui.jobs import Done, Stopped, run
from ganstyle.gui.markup import hint, picture, progress, table
from ganstyle.gui.uploads import Upload, small_input
from ganstyle.gui.wiring import claim_uploads, long_job
from ganstyle.metrics import EvaluationModels, Evaluator

_KIND = "compare"
_EMPTY = hint("Give a photo: the style and Gatys' optimization paint it side by side here.")


class CompareTab:
    """Builds the tab in the current context of Gradio.

    Args:
        shop: what all tabs share.
    """

    def __init__(self, shop: AppContext) -> None:
        self._shop = shop
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=1, min_width=300):
                with gr.Row(elem_classes="pair"):
                    photo = small_input("Photo", "compare-photo")
                    painting = small_input("Painting (optional)", "compare-painting")
                gr.HTML(
                    '<p class="aside">The painting is needed where a style’s own measurements '
                    f"were made by another network than {shop.vgg.name}.</p>",
                )
                style = gr.Dropdown(
                    shop.shelf.keys, value=shop.shelf.first, label="Style", elem_id="compare-style"
                )
                steps = gr.Slider(
                    1, 500, value=DEFAULTS.steps, step=1, label="Steps of Gatys", elem_id="compare-steps"
                )
                size = gr.Slider(
                    64, 512, value=SIZE, step=32, label="Shorter side in pixels", elem_id="compare-size"
                )
                with gr.Row():
                    start = gr.Button("Compare", variant="primary", elem_id="compare-start")
                    halt = gr.Button("Cancel", variant="stop", visible=False, elem_id="compare-cancel")
            with gr.Column(scale=2, min_width=300):
                status = gr.HTML(progress(""), elem_id="compare-status")
                shows = gr.HTML(_EMPTY, elem_id="compare-result")
        claim_uploads(shop.sessions, photo, painting)
        long_job(
            _KIND,
            shop.sessions,
            self.paint,
            start=start,
            stop=halt,
            inputs=[photo, painting, style, steps, size],
            outputs=[shows, status],
            status=status,
        )

    def paint(
        self,
        photo: Upload | None,
        painting: Upload | None,
        style: str,
        steps: float,
        size: float,
        request: gr.Request,
    ) -> Iterator[tuple[Any, ...]]:
        """Paint in every way, and say how far it is."""
        session, sessions = str(request.session_hash), self._shop.sessions
        with sessions.job(session, _KIND) as stop:
            if photo is None:
                raise gr.Error("there is no photo yet; choose one first", print_exception=False)
            chosen, shop = self._shop.shelf[style], self._shop

            def work(report: Any) -> StyleComparison:
                def on_event(event: CompareEvent) -> None:
                    report(event)
                    if stop.is_set():
                        raise KeyboardInterrupt

                photo.read()  # refuses by the photo's own name what the evaluator would by its path here
                reference = find_reference(
                    chosen,
                    shop.vgg,
                    shop.features,
                    size=int(size),
                    painting=painting.path if painting else None,
                    device=shop.device,
                )
                # No extractor: distances between distributions say nothing about one photo.
                models = EvaluationModels(shop.vgg, shop.features, device=shop.device)
                evaluator = Evaluator([photo.path], models, reference, size=int(size))
                return compare_with_gatys(
                    chosen, evaluator, reference, shop.features, steps=int(steps), on_event=on_event
                )

            yield _EMPTY, progress("Preparing …", 0)
            try:
                for item in run(work, stop):
                    if isinstance(item, Done):
                        yield _result(item.result, photo.name), progress("Done.")
                    else:
                        yield gr.skip(), _progress(item)
            except (Stopped, KeyboardInterrupt):
                yield _EMPTY, progress("Cancelled.")


def _progress(event: CompareEvent) -> str:
    """Return where a comparison is."""
    part = 1.0 if isinstance(event, PictureFinished) else event.step / max(event.steps, 1)
    text = f"{event.method} ({event.index} of {event.total})"
    if not isinstance(event, PictureFinished) and event.step:
        text += f", step {event.step} of {event.steps}"
    return progress(text, (event.index - 1 + part) / event.total)


def _result(comparison: StyleComparison, name: str) -> str:
    """Return the pictures side by side, and their scores."""
    untouched = comparison.untouched
    figures = [
        picture(
            comparison.photos[0],
            alt=name,
            caption="Photo",
            note=f"content {untouched['content']:.3f}\nstyle {untouched['style']:.3f}",
        )
    ]
    figures += [
        picture(
            result.pictures[0],
            alt=f"{name}, painted by {result.method.label}",
            caption=result.method.label,
            note=f"content {result.scores['content']:.3f}\nstyle {result.scores['style']:.3f}\n"
            f"{result.seconds_per_image:.2f} s",
        )
        for result in comparison.results
    ]
    rows = [
        [
            ", ".join(filter(None, [result.method.label, result.notes[0]])),
            f"{result.scores['content']:.3f}",
            f"{result.scores['style']:.3f}",
            f"{result.seconds_per_image:.2f}",
        ]
        for result in comparison.results
    ]
    caption = "Lower is closer: content to the photo, style to the painting"
    scores = table(["", "content", "style", "seconds"], rows, caption=caption)
    return f'<div class="pictures">{"".join(figures)}</div>{scores}'
