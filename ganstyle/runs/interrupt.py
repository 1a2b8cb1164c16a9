"""Ctrl-C, SIGTERM, SIGHUP and a closed output let a training save and stop, rather than cutting it off."""

import signal
import time
from types import FrameType

from accelerate import Accelerator

from ganstyle.runs.events import Event, OnEvent
from ganstyle.runs.signals import StopSignals

# A launcher passes on a signal that the process got from the terminal or the scheduler as well.
_SAME_REQUEST = 2.0  # seconds


class Interrupt(StopSignals):
    """While entered, notes a signal instead of dying of it; one that comes again later kills as usual.

    A scheduler (SLURM, Kubernetes) sends SIGTERM before it takes a machine away; a terminal that is closed
    sends SIGHUP, several times. Only some of the processes may get it, so the question is always asked of all
    of them together. A signal that is ignored, as nohup does with SIGHUP, stays ignored.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self._previous: dict[int, signal._HANDLER] = {}
        self._noted = 0.0

    def requested(self) -> bool:
        """Say whether any process was asked to stop. All processes must call this together."""
        return bool(self._accelerator.check_trigger())

    def _handle(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self._noted:
            self._noted = now
            self._accelerator.set_trigger()
        elif now - self._noted > _SAME_REQUEST:
            signal.signal(number, self._previous[number])
            signal.raise_signal(number)


class Listener:
    """Passes a run's events on; when they can no longer be written, asks the run to save and stop.

    That happens with ``ganstyle train … | head``, a closed terminal, or a log on a full disk.

    Args:
        on_event: told of every event, until it fails with an OSError.
        accelerator: of the run.
    """

    def __init__(self, on_event: OnEvent, accelerator: Accelerator) -> None:
        self._on_event = on_event
        self._accelerator = accelerator
        self._error: OSError | None = None

    def __call__(self, event: Event) -> None:
        """Pass an event on."""
        if self._error:
            return
        try:
            self._on_event(event)
        except OSError as error:
            self._error = error
            self._accelerator.set_trigger()

    def close(self) -> None:
        """Raise the error that ended the run; nothing if there was none."""
        if self._error:
            raise self._error
