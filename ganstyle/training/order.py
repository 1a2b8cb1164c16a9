"""The process that trains for an interface: it saves its state when it is stopped, fails, or is left alone.

It reads its order from its standard input and reports events as lines of JSON (see
`ganstyle.runs.background`). When its input closes, because it is stopped or because the interface ends,
however, it finishes its step, saves and ends.
"""

import _thread
import json
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ganstyle.errors import GanstyleError, one_line
from ganstyle.recipe import Recipe
from ganstyle.runs.background import NOT_BETTER
from ganstyle.runs.events import Event, Message, Progress
from ganstyle.training.budget import fit_to_time
from ganstyle.training.fit import fit
from ganstyle.training.loop import train


class _StopRequest:
    """Notes that the training should stop, and interrupts it as Ctrl-C would, once."""

    def __init__(self, minutes: float) -> None:
        self.made = threading.Event()
        self._lock = threading.Lock()
        for wait in (_wait_for_end_of_input, lambda: time.sleep(60 * minutes)):
            threading.Thread(target=self._after, args=(wait,), daemon=True).start()

    def _after(self, wait: Callable[[], object]) -> None:
        wait()
        with self._lock:
            if not self.made.is_set():
                self.made.set()
                _thread.interrupt_main()


def run_order() -> None:
    """Carry out the order on the standard input: plan the training, train, and report."""
    # A process in a shell's background ignores SIGINT, and this one inherits that; but here it means "stop".
    signal.signal(signal.SIGINT, signal.default_int_handler)
    order = json.loads(_read_line())
    warnings.showwarning = lambda message, *_: _say(str(message))
    try:
        _fit(order["fit"], order["minutes"]) if "fit" in order else _train(order["recipe"], order["minutes"])
    except KeyboardInterrupt:
        _report("ended", state="stopped", text="")
    except (GanstyleError, OSError) as error:
        _report("ended", state="failed", text=one_line(error))


def _train(values: dict[str, Any], minutes: float) -> None:
    recipe = Recipe.parse(values, source=values["name"])
    request = _StopRequest(minutes)
    recipe = fit_to_time(recipe, 60 * minutes, _say, request.made.is_set)
    if request.made.is_set():
        _report("ended", state="stopped", text="")
        return
    result = train(recipe, _report_event)
    state = "finished" if result.finished else "stopped"
    _report("ended", state=state, step=result.step, steps=recipe.steps, text="")


def _fit(order: dict[str, str], minutes: float) -> None:
    _StopRequest(minutes)
    fitted = fit(**order, minutes=minutes, on_event=_report_event)
    state = "finished" if fitted.finished else "stopped"
    text = "" if fitted.trained else NOT_BETTER
    _report("ended", state=state, step=fitted.steps, steps=fitted.steps, text=text)


# Not through sys.stdin: a process that loads photos closes it, and would wait for the thread that reads it.


def _read_line() -> bytes:
    line = b""
    while not line.endswith(b"\n") and (part := os.read(0, 65536)):
        line += part
    return line


def _wait_for_end_of_input() -> None:
    while os.read(0, 65536):
        pass


def _say(text: str) -> None:
    _report("message", text=text)


def _report_event(event: Event) -> None:
    if isinstance(event, Progress):
        _report("progress", step=event.step, steps=event.steps, eta=event.eta_seconds)
    elif isinstance(event, Message):
        _say(event.text)


def _report(kind: str, **values: Any) -> None:
    with suppress(OSError, ValueError):  # the interface has ended; the training goes on to save
        print(json.dumps({"event": kind, **values}), flush=True)
