"""Long work in a thread: one job at a time, which reports its progress and can be stopped."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from torch import nn

_INTERVAL = 0.15  # seconds between two reports
_WORKING = threading.Lock()

_Report = TypeVar("_Report")
_Result = TypeVar("_Result")


class JobStopped(Exception):  # noqa: N818 — a request, not an error
    """Somebody has asked a job to stop."""


@dataclass(frozen=True)
class JobResult(Generic[_Result]):
    """What a job returned."""

    value: _Result


def run_job(
    work: Callable[[Callable[[_Report], None]], _Result], stop: threading.Event
) -> Iterator[_Report | JobResult[_Result]]:
    """Do work in a thread and yield what it reports and, last of all, what it returns.

    Of reports in quick succession only the latest is yielded. When the iterator is closed, the work is asked
    to stop and waited for.

    Args:
        work: is given a function to report with; it checks ``stop`` itself.
        stop: set when the iterator is closed.

    Raises:
        JobStopped: it was asked to stop before its turn came.
        Exception: whatever the work raises.
    """
    latest: deque[_Report] = deque(maxlen=1)
    ended = threading.Event()
    outcome: list[JobResult[_Result] | BaseException] = []

    def target() -> None:
        try:
            with exclusive(stop):
                outcome.append(JobResult(work(latest.append)))
        except BaseException as error:
            outcome.append(error)
        finally:
            ended.set()

    thread = threading.Thread(target=target, name="ganstyle-job", daemon=True)
    thread.start()
    try:
        while not ended.wait(_INTERVAL):
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
def exclusive(stop: threading.Event) -> Iterator[None]:
    """Wait until no other job is running, then keep others from starting.

    Gradio's queue sees to that, except that a job whose visitor has left runs on until it notices.

    Raises:
        JobStopped: it was asked to stop before its turn came.
    """
    while not _WORKING.acquire(timeout=0.2):
        if stop.is_set():
            raise JobStopped
    try:
        if stop.is_set():
            raise JobStopped
        yield
    finally:
        _WORKING.release()


def wait_until_idle(timeout: float) -> None:
    """Wait until no job is running, for at most ``timeout`` seconds."""
    if _WORKING.acquire(timeout=timeout):
        _WORKING.release()


def is_idle() -> bool:
    """Say whether no job is running."""
    return not _WORKING.locked()


@contextmanager
def stoppable(
    generator: nn.Module, stop: threading.Event, report: Callable[[float], None] = lambda done: None
) -> Iterator[None]:
    """Make a generator check before each of its layers whether it should stop.

    Args:
        generator: no other thread may use it meanwhile.
        stop: set when it should.
        report: called with the share of layers that are done, in [0, 1].

    Raises:
        JobStopped: it was asked to stop.
    """
    layers = [module for module in generator.modules() if not list(module.children())]
    begun = 0

    def check(module: nn.Module, inputs: Any) -> None:
        nonlocal begun
        if stop.is_set():
            raise JobStopped
        report(min(begun / len(layers), 1.0))
        begun += 1

    hooks = [module.register_forward_pre_hook(check) for module in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
