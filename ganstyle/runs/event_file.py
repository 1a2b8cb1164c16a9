"""A TensorBoard event file whose writer outlives a disk that is away or full.

TensorBoard's own writer works in a thread, which dies of the first error with a traceback and takes the
training with it. Here records wait in memory until they can be written.
"""

import os
import socket
import time
import warnings
from io import BytesIO
from itertools import count
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

_numbers = count()


class EventFile:
    """Writes a new event file into a folder.

    Args:
        folder: a run's ``tensorboard``; made with the first record, if the run's folder is there.
        purge_step: TensorBoard hides what earlier files hold of this step and later ones.
    """

    def __init__(self, folder: Path, *, purge_step: int) -> None:
        self._folder = folder
        self._purge_step = purge_step
        self._told = False
        self._begin()

    def _begin(self) -> None:
        """Begin a file; the next flush writes it."""
        # TensorBoard reads a folder's files in the order of their names.
        source = f"{socket.gethostname()}.{os.getpid()}.{next(_numbers):06d}"
        self._path = self._folder / f"events.out.tfevents.{int(time.time())}.{source}"
        self._pending = BytesIO()
        self._written = 0
        self._add(Event(wall_time=time.time(), file_version="brain.Event:2"))
        start = SessionLog(status=SessionLog.START)
        self._add(Event(wall_time=time.time(), step=self._purge_step, session_log=start))

    def add(self, summary: Summary, step: int) -> None:
        """Add what was measured or drawn at a step; `flush` writes it."""
        self._add(Event(wall_time=time.time(), step=step, summary=summary))

    def flush(self) -> None:
        """Write what is pending; if that fails, warn, and leave it for the next time."""
        try:
            self._folder.parent.stat()  # a disk that is away must not come back to a new folder
            self._folder.mkdir(exist_ok=True)
            if self._written and not self._path.exists():  # somebody removed it; its points are lost
                pending = self._pending.getvalue()
                self._begin()
                self._pending.write(pending)
            with self._path.open("r+b" if self._written else "wb") as file:
                file.seek(self._written)
                file.truncate()  # what an attempt that failed has left
                file.write(self._pending.getvalue())
        except OSError as error:
            if not self._told:
                self._told = True
                warnings.warn(
                    f"{self._folder}: the curves cannot be written ({error.strerror}); they are kept "
                    "in memory until they can",
                    RuntimeWarning,
                    stacklevel=2,
                )
            return
        self._told = False
        self._written += self._pending.tell()
        self._pending = BytesIO()

    def _add(self, event: Event) -> None:
        RecordWriter(self._pending).write(event.SerializeToString())
