"""How components call functions: which events queue, how a job is started and stopped, how errors appear."""

import functools
import html
import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr

from ganstyle.errors import GanstyleError
from ganstyle.gui.components import progress_line
from ganstyle.gui.jobs import JobStopped
from ganstyle.gui.sessions import Sessions
from ganstyle.gui.uploads import PhotoFilesInput, PhotoInput, Upload

HEAVY_LANE = "heavy"
"""Gradio runs one event of this concurrency id at a time."""

LIGHT_EVENT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
"""Options of an event that is over at once; it bypasses the queue."""

_FOLDERS = re.compile(r"(?<![\w/:])/(?:[^\s/:'\"]+/)+")


def heavy_event(status: gr.HTML) -> dict[str, Any]:
    """Return the options of an event that computes: one at a time; ``status`` shows the queue."""
    return {
        "concurrency_id": HEAVY_LANE,
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
) -> None:
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
    done = begun.then(with_toasts(work), inputs, outputs, api_name=kind, **heavy_event(status))
    done.success(end, None, [start, stop], **LIGHT_EVENT)
    done.failure(fail, None, [start, stop, status], **LIGHT_EVENT)
    stop.click(cancel, None, None, **LIGHT_EVENT)


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
    except JobStopped as stopped:  # whoever stopped it knows
        raise gr.Error("stopped", visible=False, print_exception=False) from stopped


def public_message(error: Exception) -> str:
    """Return an error's message in one line, without the server's folders: visitors see it."""
    if isinstance(error, OSError) and error.strerror:
        name = f"{Path(str(error.filename)).name}: " if error.filename else ""
        return f"{name}{error.strerror}"
    return _FOLDERS.sub("", " ".join(str(error).split()))


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
