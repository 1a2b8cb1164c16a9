"""Ctrl-C and SIGTERM ask a training to save and leave, rather than cutting it off."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Self

from accelerate import Accelerator


class Interrupt:
    """While entered, notes a signal instead of dying of it; a second one kills as usual.

    A scheduler (SLURM, Kubernetes) sends SIGTERM before it takes a machine away. Only some of the processes
    may get it, so the question is always asked of all of them together.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self._previous: dict[int, signal._HANDLER] = {}

    def requested(self) -> bool:
        """Say whether any process was asked to stop. All processes must call this together."""
        return bool(self._accelerator.check_trigger())

    def _note(self, number: int, _: FrameType | None) -> None:
        self._accelerator.set_trigger()
        signal.signal(number, self._previous[number])

    def __enter__(self) -> Self:
        # Python allows handlers in the main thread only; a GUI trains in another one and has its own stop.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.getsignal(number)
                signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
