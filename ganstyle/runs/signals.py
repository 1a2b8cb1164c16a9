"""Signals that ask a process to end: how they are caught, and turned into exceptions."""

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


class Terminated(KeyboardInterrupt):
    """The process was asked to end by SIGTERM or SIGHUP, as `docker stop` and a closed terminal do."""


class TerminationSignals(StopSignals):
    """Turns SIGTERM and SIGHUP into an exception as Ctrl-C is one, so that everything is cleaned up.

    The exception is raised by `check` while the program starts, because code that is being imported does not
    expect one; after `raise_at_once`, wherever the main thread is; never after `hold`, so that cleaning up is
    not interrupted.
    """

    def __init__(self) -> None:
        super().__init__()
        self._received: int | None = None
        self._at_once = False

    def check(self) -> None:
        """Raise if a signal has come.

        Raises:
            KeyboardInterrupt: it was SIGINT.
            Terminated: it was SIGTERM or SIGHUP.
        """
        if self._received is not None:
            raise KeyboardInterrupt if self._received == signal.SIGINT else Terminated

    def raise_at_once(self) -> None:
        """From now on, raise as soon as a signal comes."""
        self._at_once = True
        self.check()

    def hold(self) -> None:
        """From now on, raise no more."""
        self._at_once = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        first = self._received is None
        self._received = number if first else self._received
        if first and self._at_once:
            self.check()

    def __exit__(self, *exception: object) -> None:
        self.hold()
        super().__exit__(*exception)
