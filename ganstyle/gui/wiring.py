"""How a button starts long work, and another one stops it."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from ganstyle.gui.jobs import HEAVY, shown
from ganstyle.gui.markup import progress
from ganstyle.gui.sessions import Sessions
from ganstyle.gui.uploads import PhotoInput, Upload

QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
"""Of an event that is over at once and is nobody else's business; it passes the queue by."""


def heavy(status: gr.HTML) -> dict[str, Any]:
    """Return what all heavy events have in common: one at a time, the place in the queue on one line."""
    return {
        "concurrency_id": HEAVY,
        "concurrency_limit": 1,
        "api_visibility": "private",
        "show_progress": "minimal",
        "show_progress_on": status,
    }


def long_job(
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
    """Connect the buttons of a long job.

    Args:
        kind: names the job within a session.
        sessions: where it can be stopped.
        work: a generator function that gives the outputs' values.
        start: begins it; it rests meanwhile.
        stop: stops it, also while it waits for its turn; it is only seen meanwhile.
        inputs: what the work is given.
        outputs: what it changes.
        status: the one of them that says how far it is.
    """

    def begin(request: gr.Request) -> list[Any]:
        sessions.arm(str(request.session_hash), kind)
        return [gr.update(interactive=False), gr.update(visible=True)]

    def halt(request: gr.Request) -> None:
        sessions.stop(str(request.session_hash), kind)

    def end() -> list[Any]:
        return [gr.update(interactive=True), gr.update(visible=False)]

    def fail(request: gr.Request) -> list[Any]:
        sessions.disarm(str(request.session_hash), kind)
        return [*end(), progress("")]

    begun = start.click(begin, None, [start, stop], **QUIET)
    done = begun.then(shown(work), inputs, outputs, api_name=kind, **heavy(status))
    done.success(end, None, [start, stop], **QUIET)
    done.failure(fail, None, [start, stop, status], **QUIET)
    stop.click(halt, None, None, **QUIET)


def claim_uploads(sessions: Sessions, *inputs: PhotoInput) -> None:
    """Note who uploads what as soon as it is there: a job may use it much later."""

    def claim(upload: Upload | None, request: gr.Request) -> None:
        if upload:
            sessions.keep(str(request.session_hash), upload.path)

    for each in inputs:
        each.change(claim, each, None, **QUIET)
