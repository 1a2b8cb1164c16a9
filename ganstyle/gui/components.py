"""Pieces of the page, whose text is escaped: progress, pictures and charts; and how functions are called."""

import functools
import html
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency

from ganstyle.devices import is_out_of_memory
from ganstyle.errors import GanstyleError, one_line
from ganstyle.gui.inputs import PhotoFilesInput, PhotoInput, Upload
from ganstyle.gui.sessions import JobStopped, Sessions
from ganstyle.reports import SCHEMES, Curve, data_uri, describe_curves, draw_curves, figure, svg

HEAVY_LANE = "heavy"
"""Gradio runs one event of this concurrency id at a time."""

TRAINING_LANE = "training"
"""Of events that wait for a training in a process of its own, beside which the others go on."""

LIGHT_EVENT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
"""Options of an event that is over at once; it bypasses the queue, and so no error of it is seen."""

SHORT_JOB: dict[str, Any] = {**LIGHT_EVENT, "queue": True}
"""Options of an event that is over soon and whose errors appear: Gradio shows those of queued events only."""

_OUT_OF_MEMORY = "There is not enough memory for this; use a smaller photo or size."

_FOLDERS = re.compile(r"(?<![\w/:])/(?:[^\s/:'\"]+/)+")


def heavy_event(status: gr.HTML, lane: str = HEAVY_LANE) -> dict[str, Any]:
    """Return the options of an event that computes, one at a time in a lane; ``status`` shows the queue."""
    return {
        "concurrency_id": lane,
        "concurrency_limit": 1,
        "api_visibility": "private",
        "show_progress": "minimal",
        "show_progress_on": status,
    }


def connect_job(
    kind: str,
    sessions: Sessions,
    work: Callable[..., Any],
    *,
    start: gr.Button,
    stop: gr.Button,
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    status: gr.HTML,
    lane: str = HEAVY_LANE,
) -> Dependency:
    """Connect the two buttons of a job.

    Args:
        kind: names the job within a session.
        sessions: where it can be stopped.
        work: a generator function that yields the outputs' values.
        start: starts it; disabled while it runs.
        stop: stops it, also while it waits in the queue; only visible then.
        inputs: what the work is given.
        outputs: what it changes.
        status: the output that shows its progress.
        lane: see `heavy_event`.

    Returns:
        The event that does the work; others may follow it.
    """

    def begin(request: gr.Request) -> list[Any]:
        sessions.register_job(str(request.session_hash), kind)
        return [gr.update(interactive=False), gr.update(visible=True)]

    def cancel(request: gr.Request) -> None:
        sessions.stop_job(str(request.session_hash), kind)

    def end() -> list[Any]:
        return [gr.update(interactive=True), gr.update(visible=False)]

    def fail(request: gr.Request) -> list[Any]:
        sessions.forget_job(str(request.session_hash), kind)
        return [*end(), progress_line("")]

    begun = start.click(begin, None, [start, stop], **LIGHT_EVENT)
    done: Dependency = begun.then(
        with_toasts(work), inputs, outputs, api_name=kind, **heavy_event(status, lane)
    )
    done.success(end, None, [start, stop], **LIGHT_EVENT)
    done.failure(fail, None, [start, stop, status], **LIGHT_EVENT)
    stop.click(cancel, None, None, **LIGHT_EVENT)
    return done


def claim_uploads(sessions: Sessions, *inputs: PhotoInput | PhotoFilesInput) -> None:
    """Record which session uses an upload as soon as it arrives; a job may read it much later."""

    def claim(given: Upload | list[Upload] | None, request: gr.Request) -> None:
        uploads = [given] if isinstance(given, Upload) else given or []
        sessions.claim(str(request.session_hash), *(upload.path for upload in uploads))

    for each in inputs:
        each.change(claim, each, None, **LIGHT_EVENT)


@contextmanager
def errors_as_toasts() -> Iterator[None]:
    """Show an error that a person can fix as a toast, in the command line's words but without folders."""
    try:
        yield
    except (GanstyleError, OSError) as error:
        # Gradio takes the text for HTML, and a file's name is anything.
        raise gr.Error(html.escape(public_message(error)), print_exception=False) from error
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise gr.Error(_OUT_OF_MEMORY, print_exception=False) from error
    except JobStopped as stopped:  # whoever stopped it knows
        raise gr.Error("stopped", visible=False, print_exception=False) from stopped


def public_message(error: Exception) -> str:
    """Return an error's message in one line, without the server's folders: visitors see it."""
    if isinstance(error, OSError) and error.strerror:
        name = f"{Path(str(error.filename)).name}: " if error.filename else ""
        return f"{name}{error.strerror}"
    return _FOLDERS.sub("", one_line(error))


def with_toasts(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function or a generator function so that its errors appear as toasts."""

    @functools.wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        with errors_as_toasts():
            return function(*args, **keywords)

    @functools.wraps(function)
    def iterate(*args: Any, **keywords: Any) -> Any:
        with errors_as_toasts():
            yield from function(*args, **keywords)

    return iterate if inspect.isgeneratorfunction(function) else call


def progress_line(text: str, done: float | None = None) -> str:
    """Return a line of text with a progress bar.

    Args:
        text: what is going on; nothing is shown if it is empty.
        done: in [0, 1]; None: no bar.
    """
    if not text:
        return ""
    words = html.escape(text)
    bar = "" if done is None else f'<progress max="1" value="{done:.3f}" aria-label="{words}"></progress>'
    return f'<div class="progress" role="status">{bar}<span>{words}</span></div>'


def placeholder(text: str) -> str:
    """Return what stands where there is nothing to show yet."""
    return f'<div class="placeholder">{html.escape(text)}</div>'


def aside(text: str, code: str = "") -> str:
    """Return a paragraph in small, subdued letters, with a command at its end."""
    command = f" <code>{html.escape(code)}</code>" if code else ""
    return f'<p class="aside">{html.escape(text)}{command}</p>'


def picture(content: bytes, *, alt: str, caption: str = "", note: str = "", kind: str = "png") -> str:
    """Return a figure that contains its picture's data.

    Args:
        content: of a PNG or JPEG file.
        alt: what it shows.
        caption: below it.
        note: below the caption, smaller; line breaks are kept.
        kind: "png" or "jpeg".
    """
    image = f'<img alt="{html.escape(alt)}" src="{data_uri(f"image/{kind}", content)}">'
    return figure(image, caption=caption, note=note)


def chart(curves: Mapping[str, Curve], *, title: str, x: str, y: str) -> str:
    """Return curves over one axis, drawn for the light and the dark color scheme.

    Args:
        curves: name → points.
        title: of the chart.
        x: label of the horizontal axis.
        y: label of the vertical axis.
    """
    alt = html.escape(f"{title}: {describe_curves(curves)}")
    images = "".join(
        f'<img class="in-{scheme}" alt="{alt}" '
        f'src="{data_uri("image/svg+xml", svg(draw_curves(curves, scheme, x=x, y=y)))}">'
        for scheme in SCHEMES
    )
    return f'<figure class="chart"><figcaption>{html.escape(title)}</figcaption>{images}</figure>'


def thumbnail_grid() -> gr.Gallery:
    """Return a grid of small pictures to choose from."""
    return gr.Gallery(
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


def picture_grid(label: str, elem_id: str) -> gr.Gallery:
    """Return a grid of pictures; a click enlarges one, and it can be downloaded then."""
    return gr.Gallery(
        label=label,
        columns=2,
        fit_columns=False,
        height="auto",
        object_fit="contain",
        buttons=["download", "fullscreen"],
        interactive=False,
        visible=False,
        elem_id=elem_id,
        elem_classes="picture-grid",
    )


def before_and_after() -> gr.ImageSlider:
    """Return two pictures, one over the other, with a line between them that can be moved."""
    return gr.ImageSlider(
        label="Before and after",
        format="png",
        buttons=["fullscreen"],
        interactive=False,
        visible=False,
        max_height=640,
        elem_id="slider",
    )


def setting_update(component: Any, text: str | None) -> Any:
    """Return a setting's value from an address, or no change if that is absent, malformed or out of range."""
    if text is None:
        return gr.skip()
    if isinstance(component, gr.Checkbox):
        return {"true": True, "false": False}.get(text, gr.skip())
    if isinstance(component, gr.Slider):
        try:
            number = float(text)
        except ValueError:
            return gr.skip()
        return number if component.minimum <= number <= component.maximum else gr.skip()
    return text if text in [value for _, value in component.choices] else gr.skip()


def menu_update(menu: gr.Dropdown, choices: list[tuple[str, str]], value: Any) -> Any:
    """Return a menu's new choices and, in place of a value that is none of them, its initial one.

    Args:
        menu: which.
        choices: what is shown, and the key.
        value: what is chosen now; None: nothing.
    """
    if value is None or value in [key for _, key in choices]:
        return gr.update(choices=choices)
    return gr.update(choices=choices, value=menu.value)


def javascript_text(value: Any) -> str:
    """Write a value as JavaScript does."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else str(value)
