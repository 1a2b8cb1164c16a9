"""The tab that compares a style with the classical baseline on one photo."""

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
from ganstyle.gui.components import aside, claim_uploads, connect_job, picture, placeholder, progress_line
from ganstyle.gui.context import AppContext
from ganstyle.gui.inputs import Upload
from ganstyle.gui.optimization_inputs import (
    photo_and_painting_inputs,
    side_input,
    start_and_stop_buttons,
    steps_input,
)
from ganstyle.gui.sessions import JobResult, JobStopped, run_job
from ganstyle.metrics import EvaluationModels, Evaluator
from ganstyle.reports import table

_KIND = "compare"
_EMPTY = placeholder("Choose a photo to see it stylized by the generator and by Gatys' optimization.")


class CompareTab:
    """Builds the tab in the current Gradio context.

    Args:
        context: what all tabs share.
    """

    def __init__(self, context: AppContext) -> None:
        self._context = context
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=1, min_width=300):
                photo, painting = photo_and_painting_inputs(_KIND)
                gr.HTML(
                    aside(
                        "The painting is optional, unless the style's own measurements come from "
                        f"another network than {context.vgg.name}."
                    )
                )
                self.style = style = gr.Dropdown(
                    context.styles.keys, value=context.styles.first, label="Style", elem_id="compare-style"
                )
                steps = steps_input("Steps of the optimization", "compare-steps")
                size = side_input(SIZE, "compare-size")
                start, halt = start_and_stop_buttons("Compare", "Cancel", _KIND)
            with gr.Column(scale=2, min_width=300):
                status = gr.HTML(progress_line(""), elem_id="compare-status")
                shows = gr.HTML(_EMPTY, elem_id="compare-result")
        context.links.add(compare_style=style, compare_steps=steps, compare_size=size)
        claim_uploads(context.sessions, photo, painting)
        connect_job(
            _KIND,
            context.sessions,
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
        """Stylize the photo by each method, and report the progress."""
        session, sessions = str(request.session_hash), self._context.sessions
        with sessions.job(session, _KIND) as stop:
            if photo is None:
                raise gr.Error("Choose a photo first.", print_exception=False)
            context = self._context
            chosen = context.styles[style]

            def work(report: Any) -> StyleComparison:
                def on_event(event: CompareEvent) -> None:
                    report(event)
                    if stop.is_set():
                        raise KeyboardInterrupt

                photo.read()  # its errors name the photo as the visitor does; the evaluator's name the path
                reference = find_reference(
                    chosen,
                    context.vgg,
                    context.features,
                    size=int(size),
                    painting=painting.path if painting else None,
                    device=context.device,
                )
                # No extractor: distances between distributions say nothing about one photo.
                models = EvaluationModels(context.vgg, context.features, device=context.device)
                evaluator = Evaluator([photo.path], models, reference, size=int(size))
                return compare_with_gatys(
                    chosen,
                    evaluator,
                    reference,
                    context.optimization_features,
                    steps=int(steps),
                    on_event=on_event,
                )

            yield _EMPTY, progress_line("Preparing …", 0)
            try:
                for item in run_job(work, stop):
                    if isinstance(item, JobResult):
                        yield _render(item.value, photo.name), progress_line("Done.")
                    else:
                        yield gr.skip(), _render_progress(item)
            except (JobStopped, KeyboardInterrupt):
                yield _EMPTY, progress_line("Cancelled.")


def _render_progress(event: CompareEvent) -> str:
    """Return the progress of a comparison as HTML."""
    part = 1.0 if isinstance(event, PictureFinished) else event.step / max(event.steps, 1)
    text = f"{event.method} ({event.index} of {event.total})"
    if not isinstance(event, PictureFinished) and event.step:
        text += f", step {event.step} of {event.steps}"
    return progress_line(text, (event.index - 1 + part) / event.total)


def _render(comparison: StyleComparison, name: str) -> str:
    """Return the pictures side by side and their scores as HTML."""
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
            alt=f"{name}, stylized by {result.method.label}",
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
    caption = "Lower is better: content is the distance to the photo, style the distance to the painting"
    scores = table(["", "content", "style", "seconds"], rows, caption=caption)
    return f'<div class="pictures">{"".join(figures)}</div>{scores}'
