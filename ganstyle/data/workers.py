"""Processes that load batches, and how the main process learns that one has died."""

import os
import signal
import sys
from collections.abc import Generator, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any

import torch
from torch._C import _remove_worker_pids
from torch.utils.data import DataLoader
from torch.utils.data.dataloader import _BaseDataLoaderIter, _MultiProcessingDataLoaderIter

from ganstyle.data.loader_errors import Batch, one_line_errors

_CHECK_EVERY = 1.0  # seconds of waiting for a batch after which the workers are looked at


class BatchLoader(DataLoader[Batch]):
    """A loader that raises one-line errors when its workers fail; see `one_line_errors`."""

    def __iter__(self) -> Generator[Batch]:  # type: ignore[override]
        """Iterate over the batches; closing the iterator ends the workers."""

        def started() -> Iterator[Batch]:  # starting the workers may fail, too
            yield from super(BatchLoader, self).__iter__()

        try:
            yield from one_line_errors(started(), workers=self.num_workers)
        finally:
            iterator, self._iterator = self._iterator, None
            if isinstance(iterator, Workers):
                with suppress(RuntimeError):
                    iterator._shutdown_workers()

    def _get_iterator(self) -> _BaseDataLoaderIter:
        if not self.num_workers:
            return super()._get_iterator()
        self.check_worker_number_rationality()
        return Workers(self)


class Workers(_MultiProcessingDataLoaderIter):
    """PyTorch's workers, whose death is reported where their batch is waited for, and nowhere else.

    When a worker dies, PyTorch raises an error in the middle of what the main process is doing. That may be
    the saving of a state, which is cut off, or a finalizer, which prints a traceback and loses the error.
    """

    def __init__(self, loader: DataLoader[Batch]) -> None:
        super().__init__(loader)
        _remove_worker_pids(id(self))
        self._worker_pids_set = False

    def _try_get_data(self, timeout: float = _CHECK_EVERY) -> tuple[bool, Any]:
        try:
            found: tuple[bool, Any] = super()._try_get_data(timeout)  # type: ignore[no-untyped-call]
            return found
        except (RuntimeError, OSError, EOFError) as error:
            for worker in self._workers:
                if worker.exitcode is not None and worker.exitcode < 0:
                    reason = signal.strsignal(-worker.exitcode)
                    raise RuntimeError(
                        f"DataLoader worker (pid {worker.pid}) is killed by signal: {reason}"
                    ) from error
            raise


def prepare_worker(_: int) -> None:
    """Set up a process that loads batches; call it there."""
    torch.set_num_threads(1)
    # Threads of a worker print a traceback when the main process or another worker has died. That is reported
    # once, by the main process.
    sys.excepthook = _ignore_closed_connections
    # Ctrl-C and `timeout` signal the whole process group. The main process still needs its workers to finish
    # its step, so they leave the group. They exit by themselves when the main process is gone.
    if hasattr(os, "setpgrp"):
        os.setpgrp()


def _ignore_closed_connections(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if not issubclass(kind, ConnectionError | EOFError):
        sys.__excepthook__(kind, error, traceback)
