"""Signals that ask a process to end, and how they are caught."""

import signal
import threading
from abc import ABC, abstractmethod
from types import FrameType
from typing import Self

STOP_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Ctrl-C, a scheduler's or `docker stop`, and a terminal that is closed; Windows has no SIGHUP."""


def ignore_stop_signals() -> None:
    """Ignore these signals from now on: they would change the exit code of a process that ends."""
    if threading.current_thread() is threading.main_thread():
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)


class StopSignals(ABC):
    """While entered, catches the signals that ask the process to end.

    A signal that the process was started to ignore, as `nohup` does with SIGHUP, stays ignored. Python allows
    handlers in the main thread only; entered in another one, it catches nothing.
    """

    def __init__(self) -> None:
        self._previous: dict[int, signal._HANDLER] = {}

    @abstractmethod
    def _handle(self, number: int, frame: FrameType | None) -> None:
        """Take a signal."""

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in STOP_SIGNALS:
                previous = signal.getsignal(number)
                if previous not in (signal.SIG_IGN, None):
                    self._previous[number] = previous
                    signal.signal(number, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
