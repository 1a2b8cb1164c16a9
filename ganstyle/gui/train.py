"""The tab that trains a style on paintings, in a run that the command line can continue."""

import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import Any

import gradio as gr

from ganstyle.errors import GanstyleError
from ganstyle.evaluate.run_view import run_fingerprint
from ganstyle.gui.components import (
    LIGHT_EVENT,
    SHORT_JOB,
    aside,
    claim_uploads,
    placeholder,
    progress_line,
    public_message,
    with_toasts,
)
from ganstyle.gui.context import AppContext
from ganstyle.gui.drawing import DrawnRun, RunDrawings
from ganstyle.gui.inputs import Upload, photo_files_input
from ganstyle.recipe import Recipe
from ganstyle.recipe.choose import recipe_for_run, resumable_runs, trainable_recipes
from ganstyle.recipe.run import name_from_file
from ganstyle.runs.background import TrainingStatus
from ganstyle.shipped import DEFAULT_RECIPE
from ganstyle.stylize.plan import unique_name

_INTERVAL = 3.0  # seconds between two looks at the run
_LONGEST = 240  # minutes

_OFF = "Training is off. Whoever runs this interface turns it on with:"
_NOTHING = placeholder("Choose a painting and photos, and watch the style appear.")
_NO_CURVES = placeholder("Curves and samples appear after the first steps.")


class TrainTab:
    """Builds the tab in the current Gradio context.

    Args:
        context: what all tabs share.
        tab: the tab itself; the page only looks at the training while it is open.
    """

    def __init__(self, context: AppContext, tab: gr.Tab) -> None:
        if context.trainer is None:
            gr.HTML(f'<div class="placeholder">{aside(_OFF, code="ganstyle gui --train --photos DIR")}</div>')
            return
        self._context, self._trainer = context, context.trainer
        self._recipes, self._drawings = trainable_recipes(), RunDrawings()
        shown = gr.State(None)
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=300):
                paintings = photo_files_input("train-paintings", "Painting, or several by one artist")
                sources = _sources(context)
                source = gr.Radio(
                    sources,
                    value=sources[0][1],
                    label="Photos to learn on",
                    visible=len(sources) > 1,
                    elem_id="train-source",
                )
                photos = photo_files_input("train-photos", "Your photos", visible=context.photos is None)
                recipe = gr.Dropdown(
                    list(self._recipes),
                    value=DEFAULT_RECIPE,
                    label="Recipe",
                    info=self._recipes[DEFAULT_RECIPE],
                    elem_id="train-recipe",
                )
                minutes = gr.Slider(
                    1,
                    _LONGEST,
                    value=20,
                    step=1,
                    label="Minutes",
                    info="The number of steps is chosen to fit.",
                    elem_id="train-minutes",
                )
                name = gr.Textbox(
                    label="Name of the style",
                    placeholder="the painting's file name",
                    max_lines=1,
                    elem_id="train-name",
                )
                with gr.Row():
                    start = gr.Button("Train", variant="primary", elem_id="train-start")
                    stop = gr.Button("Stop", variant="stop", visible=False, elem_id="train-stop")
                with gr.Accordion("Continue a run", open=False, elem_id="train-continue"):
                    run = gr.Dropdown([], label="Run", elem_id="train-run")
                    resume = gr.Button("Continue", size="sm", elem_id="train-resume")
                    gr.HTML(aside("For the minutes above: to its planned end, or longer if it has ended."))
                gr.HTML(aside("Uploaded paintings and photos are kept with the run, on the server."))
            with gr.Column(scale=3, min_width=300):
                status = gr.HTML(_NOTHING, elem_id="train-status")
                samples = gr.HTML("", elem_id="train-samples")
                curves = gr.HTML("", elem_id="train-curves")
        context.links.add(train_recipe=recipe, minutes=minutes)
        claim_uploads(context.sessions, paintings, photos)
        recipe.change(lambda key: gr.update(info=self._recipes[key]), recipe, recipe, **LIGHT_EVENT)
        source.change(lambda kind: gr.update(visible=kind == "upload"), source, photos, **LIGHT_EVENT)
        clock = gr.Timer(_INTERVAL, active=False)
        outputs = [shown, status, samples, curves, start, stop, run]
        watch: dict[str, Any] = {"fn": self.watch, "inputs": shown, "outputs": outputs, **LIGHT_EVENT}
        inputs = [paintings, source, photos, recipe, minutes, name]
        start.click(with_toasts(self.train), inputs, None, **SHORT_JOB).success(**watch)
        resume.click(with_toasts(self.continue_run), [run, minutes], None, **SHORT_JOB).success(**watch)
        stop.click(self._trainer.stop, None, None, **LIGHT_EVENT).success(**watch)
        gr.on([tab.select, clock.tick], **watch)
        tab.select(lambda: gr.Timer(active=True), None, clock, **LIGHT_EVENT)

    def train(
        self,
        paintings: list[Upload],
        source: str,
        photos: list[Upload],
        recipe: str,
        minutes: float,
        name: str,
    ) -> None:
        """Copy the uploads into a new run's folder and start its training."""
        folder = self._context.photos if source == "folder" else None
        if not paintings:
            raise GanstyleError("Choose a painting first.")
        if folder is None and not photos:
            raise GanstyleError("Choose some photos to learn on; a few dozen or more are best.")
        self._trainer.check_idle()
        for each in paintings:
            each.check()
        run = _new_run(self._context.runs.resolve(), name, paintings[0].name)
        try:
            kept = _keep(paintings, run / "paintings")
            learned = folder.resolve() if folder else _keep(photos, run / "photos").parent
            painting = kept if len(paintings) == 1 else kept.parent
            self._begin(recipe_for_run(recipe, run, painting, learned), minutes)
        except BaseException:
            remove_unused(run)
            raise

    def continue_run(self, run: str | None, minutes: float) -> None:
        """Continue a run that was stopped, or train a finished one for longer."""
        runs = resumable_runs(self._context.runs)
        if run not in runs:
            raise GanstyleError("Choose a run to continue.")
        self._begin(runs[run], minutes)

    def _begin(self, recipe: Recipe, minutes: float) -> None:
        def at_end() -> None:
            remove_unused(recipe.folder)
            self._context.styles.refresh()

        self._trainer.start(recipe, minutes, at_end)

    def watch(self, shown: Any) -> tuple[Any, ...]:
        """Show the latest training, if there is anything new to see."""
        status = self._trainer.status
        folder = self._context.runs / status.name if status else None
        runs = list(resumable_runs(self._context.runs)) if not (status and status.running) else []
        drawn: DrawnRun | None = None
        if folder and run_fingerprint(folder):
            with suppress(OSError, ValueError, KeyError, TypeError):  # being written just now
                drawn = self._drawings.latest(folder)
        now = (status, drawn.version if drawn else None, runs)
        if now == shown:
            return (gr.skip(),) * 7
        no_curves = _NO_CURVES if status and status.running else ""
        running = bool(status and status.running)
        return (
            now,
            describe_status(status) if status else _NOTHING,
            drawn.samples if drawn else "",
            drawn.curves if drawn else no_curves,
            gr.update(interactive=not running),
            gr.update(visible=running, interactive=bool(status and status.state != "stopping")),
            gr.update(choices=runs, value=status.name if status and status.name in runs else None),
        )


def describe_status(status: TrainingStatus) -> str:
    """Return how a training stands, as HTML."""
    name, part = status.name, status.step / status.steps if status.steps else 0.0
    match status.state:
        case "preparing":
            return progress_line(f"{name}: {public_message(GanstyleError(status.text))}", 0)
        case "training":
            minutes, seconds = divmod(round(status.eta), 60)
            left = f"{minutes} min" if minutes else f"{seconds} s"
            return progress_line(f"{name}: step {status.step:,} of {status.steps:,}, {left} left", part)
        case "stopping":
            return progress_line(f"{name}: stopping; it saves its state first …", part)
        case "finished":
            return progress_line(f"{name} is trained: {status.steps:,} steps. Choose it in Stylize.")
        case "stopped" if status.step:
            return progress_line(
                f"{name} has stopped at step {status.step:,} of {status.steps:,}. Its style so far is in "
                "Stylize; continue the run to train it further."
            )
        case "stopped":
            return progress_line(f"{name} was stopped before its first step.")
        case _:
            return progress_line(f"{name} has failed: {public_message(GanstyleError(status.text))}")


def remove_unused(run: Path) -> None:
    """Remove the uploads of a run that never began."""
    if not (run / "recipe.yaml").exists():
        for name in ("paintings", "photos"):
            shutil.rmtree(run / name, ignore_errors=True)
        with suppress(OSError):
            run.rmdir()


def _sources(context: AppContext) -> list[tuple[str, str]]:
    own = [("Photos that you upload", "upload")]
    return [(f"The server's: {context.photo_count:,} photos", "folder"), *own] if context.photos else own


def _new_run(runs: Path, wanted: str, painting: str) -> Path:
    """Make a new run's folder, called as wanted, or else like the painting; of two visitors, one gets it.

    Raises:
        GanstyleError: the wanted name is not allowed, or a run has it.
    """
    name = wanted.strip()
    if name and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", name):
        raise GanstyleError("Write the name with letters, digits, dots, hyphens and underscores only.")
    like = name_from_file(Path(painting))
    for candidate in [name] if name else chain([like], (f"{like}-{number}" for number in count(2))):
        with suppress(FileExistsError):
            (runs / candidate).mkdir(parents=True)
            return runs / candidate
    raise GanstyleError(f"There is a run {name} already; choose another name, or continue that run.")


def _keep(uploads: Sequence[Upload], folder: Path) -> Path:
    """Copy uploads into a folder, each under its own name, and return the last copy."""
    folder.mkdir(parents=True)
    names: list[str] = []
    for upload in uploads:
        names.append(unique_name(upload.name, names))
        shutil.copyfile(upload.path, folder / names[-1])
    return folder / names[-1]
