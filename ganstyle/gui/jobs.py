"""Long work behind a button: one job at a time, that reports, that can be stopped, whose errors are shown."""

import functools
import html
import inspect
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import gradio as gr
from torch import nn

from ganstyle.errors import GanstyleError

HEAVY = "heavy"
"""The one lane of Gradio's queue for whatever takes long."""

_PAUSE = 0.15  # seconds between two reports
_WORK = threading.Lock()

T = TypeVar("T")
R = TypeVar("R")


class Stopped(Exception):  # noqa: N818 — a request, not an error
    """Somebody has asked a job to stop."""


@dataclass(frozen=True)
class Done(Generic[R]):
    """What a job came to."""

    result: R


def run(work: Callable[[Callable[[T], None]], R], stop: threading.Event) -> Iterator[T | Done[R]]:
    """Do work in a thread and yield what it reports, last of all what it returns.

    Of reports that come fast, only some are yielded, each the latest of its time. When the iterator is
    closed, the work is asked to stop and waited for.

    Args:
        work: is given a function to report with; it looks at ``stop`` itself.
        stop: set when the iterator is closed.

    Raises:
        Exception: whatever the work raises.
    """
    latest: deque[T] = deque(maxlen=1)
    ended = threading.Event()
    outcome: list[Done[R] | BaseException] = []

    def target() -> None:
        try:
            with turn(stop):
                outcome.append(Done(work(latest.append)))
        except BaseException as error:
            outcome.append(error)
        finally:
            ended.set()

    thread = threading.Thread(target=target, name="ganstyle-job", daemon=True)
    thread.start()
    try:
        while not ended.wait(_PAUSE):
            if latest:
                yield latest.pop()
        last = outcome[0]
        if isinstance(last, BaseException):
            raise last
        yield last
    finally:
        stop.set()
        thread.join()


@contextmanager
def turn(stop: threading.Event) -> Iterator[None]:
    """Wait until no other job is at work.

    Gradio's queue sees to that, except that a job whose visitor has left goes on until it notices.

    Raises:
        Stopped: it was asked to stop before its turn came.
    """
    while not _WORK.acquire(timeout=0.2):
        if stop.is_set():
            raise Stopped
    try:
        if stop.is_set():
            raise Stopped
        yield
    finally:
        _WORK.release()


def wait_until_idle(timeout: float) -> None:
    """Wait until no job is at work, at most for these seconds."""
    if _WORK.acquire(timeout=timeout):
        _WORK.release()


@contextmanager
def stoppable(
    generator: nn.Module, stop: threading.Event, report: Callable[[float], None] = lambda done: None
) -> Iterator[None]:
    """Let a generator look, before each of its layers, whether it is to stop.

    Args:
        generator: no other thread may use it meanwhile.
        stop: says that it is.
        report: told how many of the layers are done, in [0, 1].

    Raises:
        Stopped: it was to stop.
    """
    layers = [module for module in generator.modules() if not list(module.children())]
    begun = 0

    def look(module: nn.Module, inputs: Any) -> None:
        nonlocal begun
        if stop.is_set():
            raise Stopped
        report(min(begun / len(layers), 1.0))
        begun += 1

    hooks = [module.register_forward_pre_hook(look) for module in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def one_line(error: Exception) -> str:
    """Return what the command line would print of an error."""
    return " ".join(str(error).split())


@contextmanager
def toasts() -> Iterator[None]:
    """Show an error that a person can mend as a toast, in the command line's words."""
    try:
        yield
    except (GanstyleError, OSError) as error:
        # Gradio takes the text for HTML, and a file's name is anything.
        raise gr.Error(html.escape(one_line(error)), print_exception=False) from error
    except Stopped as stopped:  # whoever stopped it knows
        raise gr.Error("stopped", visible=False, print_exception=False) from stopped


def shown(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function's errors be toasts, and those of the generator that it may be."""

    @functools.wraps(function)
    def whole(*args: Any, **keywords: Any) -> Any:
        with toasts():
            return function(*args, **keywords)

    @functools.wraps(function)
    def stepwise(*args: Any, **keywords: Any) -> Any:
        with toasts():
            yield from function(*args, **keywords)

    return stepwise if inspect.isgeneratorfunction(function) else whole
