"""A first Ctrl-C that lets a command finish what it is at; a second one ends it at once."""

import signal
import threading
from types import FrameType
from typing import Self

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class StopRequest:
    """While entered, notes the first signal to stop instead of ending; call it to ask whether one came.

    A signal that is ignored, as nohup does with SIGHUP, stays ignored.
    """

    def __init__(self) -> None:
        self._noted = False
        self._previous: dict[int, signal._HANDLER] = {}

    def __call__(self) -> bool:
        """Say whether a signal came."""
        return self._noted

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._noted:
            raise KeyboardInterrupt
        self._noted = True

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # Python allows it nowhere else
            for number in _SIGNALS:
                previous = signal.getsignal(number)
                if previous not in (signal.SIG_IGN, None):
                    self._previous[number] = previous
                    signal.signal(number, self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
