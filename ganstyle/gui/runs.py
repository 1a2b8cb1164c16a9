"""The tab that shows training runs while they are trained."""

from pathlib import Path
from typing import Any

import gradio as gr

from ganstyle.errors import GanstyleError
from ganstyle.evaluate.run_view import RunView, find_runs, read_run, run_fingerprint
from ganstyle.gui.components import (
    LIGHT_EVENT,
    aside,
    chart,
    picture,
    placeholder,
    progress_line,
    public_message,
)
from ganstyle.gui.context import AppContext
from ganstyle.reports import table

_INTERVAL = 5.0  # seconds between two looks at the folder

_LOOKING = placeholder("Looking for runs …")
_NO_RUNS = placeholder(
    "There are no runs yet. Train a style with: ganstyle train RECIPE. "
    "If your runs are in another folder, start the interface with --runs DIR."
)
_NO_CURVES = placeholder("No losses have been logged yet.")
_NO_SAMPLES = placeholder("There are no samples yet.")
_NO_SCORES = placeholder("There are no scores. A recipe turns them on with score.every.")

_INTEGERS = ("step", "photos")


class RunsTab:
    """Builds the tab in the current Gradio context.

    Args:
        context: what all tabs share.
        tab: the tab itself; it is first filled when it is first opened.
    """

    def __init__(self, context: AppContext, tab: gr.Tab) -> None:
        self._context = context
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
            now = (name, list(runs), run_fingerprint(runs[name]))
            if now == shown:
                return (gr.skip(),) * 6
            return now, choice, *render_run(read_run(runs[name]))
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


def render_run(run: RunView) -> tuple[str, str, str, str]:
    """Return the status, the curves, the samples and the scores as HTML."""
    age = f"{run.age:.0f} s" if run.age < 120 else f"{run.age / 60:.0f} min"
    charts = "".join(chart(group.curves, title=group.title, x="step", y="") for group in run.groups)
    return (
        progress_line(f"Step {run.step:,}, written {age} ago. This page updates itself."),
        f'<div class="charts">{charts}</div>' if charts else _NO_CURVES,
        _render_sample(run.sample) if run.sample else _NO_SAMPLES,
        _render_scores(run) if run.scores else _NO_SCORES,
    )


def _render_sample(path: Path) -> str:
    step = int(path.stem.rpartition("-")[2])
    return picture(
        path.read_bytes(),
        kind="jpeg",
        alt=f"Photos and their stylized versions at step {step}",
        caption=f"Samples at step {step:,}",
    )


def _render_scores(run: RunView) -> str:
    names = list(dict.fromkeys(name for line in run.scores for name in line))
    rows = [
        [_number(name, line.get(name)) for name in names] + ["best" if line.get("step") == run.best else ""]
        for line in reversed(run.scores)
    ]
    return table([*names, ""], rows, caption="Scores by checkpoint, newest first")


def _number(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if name in _INTEGERS else f"{value:.4g}"
