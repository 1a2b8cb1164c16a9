"""The tab that watches training runs."""

from pathlib import Path
from typing import Any

import gradio as gr

from ganstyle.gui.context import AppContext
from ganstyle.gui.jobs import shown
from ganstyle.gui.markup import chart, hint, picture, progress, table
from ganstyle.gui.watch import RunView, find_runs, signature, view
from ganstyle.gui.wiring import QUIET

_EVERY = 5.0  # seconds between two looks at the folder

_LOOKING = hint("Looking for runs …")
_NO_RUNS = hint(
    "There are no runs yet. Train a style with: ganstyle train RECIPE. "
    "If your runs are in another folder, start the interface with --runs DIR."
)
_BY_HAND = (
    '<p class="aside">Run this on the machine with the runs: '
    "<code>tensorboard --logdir RUNS</code>, with its folder of runs.</p>"
)

_INTEGERS = ("step", "photos")


class RunsTab:
    """Builds the tab in the current context of Gradio.

    Args:
        shop: what all tabs share.
        tab: the tab itself; it is first filled when it is first seen.
    """

    def __init__(self, shop: AppContext, tab: gr.Tab) -> None:
        self._shop = shop
        seen = gr.State(None)
        with gr.Row(elem_classes="bar"):
            run = gr.Dropdown([], label="Run", elem_id="run", scale=3, min_width=200)
            start = gr.Button("Start TensorBoard", elem_id="tensorboard", scale=1, min_width=160)
        link = gr.HTML("", elem_id="tensorboard-link")
        status = gr.HTML(progress(""), elem_id="runs-status")
        curves = gr.HTML(_LOOKING, elem_id="runs-curves")
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=1, min_width=300):
                samples = gr.HTML("", elem_id="runs-samples")
            with gr.Column(scale=1, min_width=300):
                scores = gr.HTML("", elem_id="runs-scores")
        clock = gr.Timer(_EVERY, active=False)
        shows = [seen, run, status, curves, samples, scores]
        tab.select(shown(self.look), [run, seen], shows, **QUIET)
        tab.select(lambda: gr.Timer(active=True), None, clock, **QUIET)
        clock.tick(shown(self.look), [run, seen], shows, **QUIET)
        run.input(shown(self.look), [run, seen], shows, **QUIET)
        start.click(shown(self.start), None, link, **{**QUIET, "show_progress": "minimal"})

    def look(self, name: str | None, seen: Any) -> tuple[Any, ...]:
        """Show a run, if there is anything new to see."""
        runs = find_runs(self._shop.runs)
        if not runs:
            return None, gr.update(choices=[], value=None), progress(""), _NO_RUNS, "", ""
        name = name if name in runs else next(iter(runs))
        now: Any = (name, list(runs), None)
        choice = gr.update(choices=list(runs), value=name)
        try:
            now = (name, list(runs), signature(runs[name]))
            if now == seen:
                return (gr.skip(),) * 6
            return now, choice, *_shown(view(runs[name]))
        except OSError as error:
            reason = f"cannot be read ({error.strerror or 'an error of the disk'})"
        except (ValueError, KeyError, TypeError) as error:
            reason = f"has a damaged file ({error})"
        # In the page and not as a toast: the page looks every few seconds.
        return now, choice, progress(f"Run {name}: {reason}"), "", "", ""

    def start(self) -> str:
        """Start TensorBoard, where its page can be reached."""
        if not self._shop.local:
            return _BY_HAND
        address = self._shop.tensorboard.start()
        return f'<p><a href="{address}" target="_blank" rel="noopener">TensorBoard is at {address}</a></p>'


def _shown(found: RunView) -> tuple[str, str, str, str]:
    age = f"{found.age:.0f} s" if found.age < 120 else f"{found.age / 60:.0f} min"
    charts = "".join(chart(group.curves, title=group.title, x="step", y="") for group in found.groups)
    return (
        progress(f"Step {found.step:,}; written {age} ago. This page follows."),
        f'<div class="charts">{charts}</div>' if charts else hint("There are no curves yet."),
        _samples(found.sample),
        _scores(found) if found.scores else hint("No scores; a recipe asks for them with score.every."),
    )


def _samples(path: Path | None) -> str:
    if path is None:
        return hint("There are no samples yet.")
    step = int(path.stem.rpartition("-")[2])
    return picture(
        path.read_bytes(),
        kind="jpeg",
        alt=f"Photos and what the generator makes of them, at step {step}",
        caption=f"Samples at step {step:,}",
    )


def _scores(found: RunView) -> str:
    names = list(dict.fromkeys(name for line in found.scores for name in line))
    rows = [
        [_number(name, line.get(name)) for name in names] + ["best" if line.get("step") == found.best else ""]
        for line in reversed(found.scores)
    ]
    return table([*names, ""], rows, caption="Scores by checkpoint, the latest first")


def _number(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if name in _INTEGERS else f"{value:.4g}"
