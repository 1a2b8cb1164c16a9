"""Signals to stop, noted while a command works instead of raised wherever it happens to be."""

import time
from types import FrameType

from ganstyle.runs.signals import StopSignals

_INTERVAL = 0.1  # seconds between two looks


class StopRequest(StopSignals):
    """While entered, notes the first signal to stop; call it to ask whether one came.

    An exception raised by the handler may get lost: where a finalizer or a callback of the garbage collection
    happens to run, Python prints it and goes on.

    Args:
        second_ends: a second signal raises KeyboardInterrupt wherever the main thread is, for commands that
            finish their work first; else it is ignored, so that cleaning up is not interrupted.
    """

    def __init__(self, *, second_ends: bool = True) -> None:
        super().__init__()
        self._second_ends = second_ends
        self._noted = False

    def __call__(self) -> bool:
        """Say whether a signal came."""
        return self._noted

    def check(self) -> None:
        """Raise if a signal came.

        Raises:
            KeyboardInterrupt: it did.
        """
        if self._noted:
            raise KeyboardInterrupt

    def wait(self) -> None:
        """Wait until a signal comes."""
        # An event could deadlock: the handler runs in the thread that waits, and may find its lock taken.
        while not self._noted:
            time.sleep(_INTERVAL)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._noted and self._second_ends:
            raise KeyboardInterrupt
        self._noted = True
