"""How components call functions: what queues, how a job starts and stops, how errors appear; deep links."""

import functools
import html
import inspect
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr

from ganstyle.errors import GanstyleError
from ganstyle.gui.components import progress_line
from ganstyle.gui.inputs import PhotoFilesInput, PhotoInput, Upload
from ganstyle.gui.sessions import JobStopped, Sessions

HEAVY_LANE = "heavy"
"""Gradio runs one event of this concurrency id at a time."""

LIGHT_EVENT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
"""Options of an event that is over at once; it bypasses the queue, and so no error of it is seen."""

SHORT_JOB: dict[str, Any] = {**LIGHT_EVENT, "queue": True}
"""Options of an event that is over soon and whose errors appear: Gradio shows those of queued events only."""

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


_TAB = "tab"

# Gradio also selects the first tab and sets default values while the page loads; until the settings have been
# taken from the address, nothing may change it.
_READY = "() => { window.ganstyleLinks = true; return []; }"

_KEEP_SETTINGS = """(...values) => {
  if (!window.ganstyleLinks) return [];
  const names = %s, defaults = %s, url = new URL(window.location);
  names.forEach((name, i) => String(values[i]) === String(defaults[i])
    ? url.searchParams.delete(name) : url.searchParams.set(name, values[i]));
  window.history.replaceState(window.history.state, "", url);
  return [];
}"""

_KEEP_TAB = """() => {
  if (!window.ganstyleLinks) return [];
  const url = new URL(window.location);
  %s;
  window.history.replaceState(window.history.state, "", url);
  return [];
}"""


class DeepLinks:
    """Collects the settings of all tabs, then keeps them in the page's address and takes them from it."""

    def __init__(self) -> None:
        self._settings: dict[str, Any] = {}

    def add(self, **settings: gr.Dropdown | gr.Radio | gr.Slider | gr.Checkbox) -> None:
        """Add settings by the names that they have in an address.

        Raises:
            ValueError: a name is taken.
        """
        taken = self._settings.keys() & settings.keys()
        if taken:
            raise ValueError(f"two settings have the same name in links: {', '.join(sorted(taken))}")
        self._settings.update(settings)

    def connect(
        self, blocks: gr.Blocks, tabs: gr.Tabs, each_tab: Sequence[gr.Tab], refresh: Callable[[], Any]
    ) -> None:
        """Connect the page, once all settings are known.

        Args:
            blocks: the page.
            tabs: its tabs; the first of them is the one that is open without a link.
            each_tab: these tabs one by one.
            refresh: brings the settings' choices up to date.
        """
        names, components = list(self._settings), list(self._settings.values())
        defaults = [_text(component.value) for component in components]
        keep = _KEEP_SETTINGS % (json.dumps(names), json.dumps(defaults))
        options = {key: value for key, value in LIGHT_EVENT.items() if key != "api_visibility"}
        gr.on([each.change for each in components], None, components, None, js=keep, **options)
        for tab in each_tab:
            first = tab is each_tab[0]
            change = f"searchParams.delete('{_TAB}')" if first else f"searchParams.set('{_TAB}', '{tab.id}')"
            tab.select(None, None, None, js=_KEEP_TAB % f"url.{change}", **options)

        def restore(request: gr.Request) -> list[Any]:
            refresh()
            linked = dict(request.query_params or {})
            chosen = linked.get(_TAB)
            selected = gr.Tabs(selected=chosen) if chosen in [tab.id for tab in each_tab] else gr.skip()
            return [selected, *(setting_update(self._settings[name], linked.get(name)) for name in names)]

        restored = blocks.load(restore, None, [tabs, *components], **LIGHT_EVENT)
        restored.then(None, None, None, js=_READY, **options)


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


def _text(value: Any) -> str:
    """Write a value as JavaScript does."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else str(value)
