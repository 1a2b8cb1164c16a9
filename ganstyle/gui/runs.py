"""The tab that shows training runs while they are trained."""

from typing import Any

import gradio as gr

from ganstyle.errors import GanstyleError
from ganstyle.evaluate.run_view import find_runs
from ganstyle.gui.components import LIGHT_EVENT, aside, placeholder, progress_line, public_message
from ganstyle.gui.context import AppContext
from ganstyle.gui.drawing import RunDrawings

_INTERVAL = 5.0  # seconds between two looks at the folder

_LOOKING = placeholder("Looking for runs …")
_NO_RUNS = placeholder(
    "There are no runs yet. Train a style with: ganstyle train RECIPE. "
    "If your runs are in another folder, start the interface with --runs DIR."
)


class RunsTab:
    """Builds the tab in the current Gradio context.

    Args:
        context: what all tabs share.
        tab: the tab itself; it is first filled when it is first opened.
    """

    def __init__(self, context: AppContext, tab: gr.Tab) -> None:
        self._context, self._drawings = context, RunDrawings()
        shown = gr.State(None)
        with gr.Row(elem_classes="bar"):
            run = gr.Dropdown([], label="Run", elem_id="run", scale=3, min_width=200)
            start = gr.Button("Start TensorBoard", elem_id="tensorboard", scale=1, min_width=160)
        link = gr.HTML("", elem_id="tensorboard-link")
        status = gr.HTML(progress_line(""), elem_id="runs-status")
        curves = gr.HTML(_LOOKING, elem_id="runs-curves")
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=1, min_width=300):
                samples = gr.HTML("", elem_id="runs-samples")
            with gr.Column(scale=1, min_width=300):
                scores = gr.HTML("", elem_id="runs-scores")
        clock = gr.Timer(_INTERVAL, active=False)
        inputs, outputs = [run, shown], [shown, run, status, curves, samples, scores]
        for event in (tab.select, clock.tick, run.input):
            event(self.look, inputs, outputs, **LIGHT_EVENT)
        tab.select(lambda: gr.Timer(active=True), None, clock, **LIGHT_EVENT)
        start.click(self.start, None, link, **{**LIGHT_EVENT, "show_progress": "minimal"})

    def look(self, name: str | None, shown: Any) -> tuple[Any, ...]:
        """Show a run, if there is anything new to see."""
        runs = find_runs(self._context.runs)
        if not runs:
            return None, gr.update(choices=[], value=None), progress_line(""), _NO_RUNS, "", ""
        name = name if name in runs else next(iter(runs))
        now: Any = (name, list(runs), None)
        choice = gr.update(choices=list(runs), value=name)
        try:
            drawn = self._drawings.latest(runs[name])
            now = (name, list(runs), drawn.version)
            if now == shown:
                return (gr.skip(),) * 6
            return now, choice, drawn.status, drawn.curves, drawn.samples, drawn.scores
        except OSError as error:
            reason = f"cannot be read ({error.strerror or 'disk error'})"
        except (ValueError, KeyError, TypeError) as error:
            reason = f"has a damaged file ({error})"
        # In the page and not as a toast: the page looks every few seconds.
        return now, choice, progress_line(f"Run {name}: {reason}"), "", "", ""

    def start(self) -> str:
        """Start TensorBoard, where its page can be reached."""
        if not self._context.local:
            return aside("On the machine where the runs are, start:", code="tensorboard --logdir RUNS")
        try:
            address = self._context.tensorboard.start()
        except GanstyleError as error:  # here, for the event bypasses the queue
            return aside(public_message(error))
        return f'<p><a href="{address}" target="_blank" rel="noopener">Open TensorBoard at {address}</a></p>'
