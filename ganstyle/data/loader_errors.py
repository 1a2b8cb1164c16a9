"""One-line errors in place of what PyTorch's DataLoader raises when its worker processes fail."""

import os
import re
from collections.abc import Iterable, Iterator

from torch import Tensor

from ganstyle.errors import DataError, GanstyleError, one_line

Batch = dict[str, Tensor]

_LOADER = re.compile(r"DataLoader worker|Pin memory thread|torch_shm|/torch_\d+|/dev/shm|ancdata")
_SHARED_MEMORY = re.compile(r"Bus error|shared memory|torch_shm|/torch_\d+|/dev/shm|No space left on device")
_OPEN_FILES = re.compile(r"Too many open files|ancdata")
_MEMORY = re.compile(r"DefaultCPUAllocator|[Cc]an(no|')t allocate memory|bad_alloc|MemoryError")


def loader_error(error: BaseException) -> GanstyleError | None:
    """Translate a failure of a data loader or its workers.

    It may surface in the middle of a step, too, such as that of the thread that pins memory, so a training
    loop should pass any exception of a step through this function.

    Args:
        error: what was raised.

    Returns:
        A one-line error that says what to change; None if ``error`` is not about loading data.
    """
    if isinstance(error, GanstyleError):
        return _from_worker(error)
    text = _chain(error)
    if not isinstance(error, RuntimeError | OSError | MemoryError) or not _LOADER.search(text):
        return None
    return _explain(text)


def one_line_errors(loader: Iterable[Batch], *, workers: int) -> Iterator[Batch]:
    """Iterate over a loader, with failures of its workers as one-line errors.

    Args:
        loader: a ``DataLoader``.
        workers: its number of workers.

    Raises:
        GanstyleError: what `loader_error` returns, and any other I/O error of the workers as a `DataError`.
    """
    try:
        yield from loader
    # EOFError, ConnectionError: a worker died while it sent a batch. ENOSPC, ENOMEM: none could be started.
    except (RuntimeError, OSError, MemoryError, EOFError, GanstyleError) as error:
        translated = loader_error(error)
        if translated is None and workers and isinstance(error, OSError | EOFError):
            translated = _explain(_chain(error))
        if translated is None or translated is error:
            raise
        raise translated from error


def _explain(text: str) -> DataError | None:
    if _OPEN_FILES.search(text):
        return DataError(
            "too many open files to load photos; raise the limit with 'ulimit -n 65536', or set workers=0"
        )
    if _SHARED_MEMORY.search(text):
        return DataError(
            f"the processes that load photos ran out of shared memory{_size_of_shm()}; set workers=0, or "
            "enlarge it (Docker: --shm-size=2g)"
        )
    if _MEMORY.search(text):
        return DataError(
            "the processes that load photos ran out of memory; set workers=0, or a smaller batch_size or "
            "image_size"
        )
    signal = re.search(r"killed by signal: (\w+)", text)
    how = f"was killed (signal: {signal[1]})" if signal else "ended unexpectedly"
    return DataError(
        f"a process that loads photos {how}, most likely for lack of memory; set workers=0 or a smaller "
        "batch_size, and start the same command again"
    )


def _from_worker(error: GanstyleError) -> GanstyleError:
    """Undo what PyTorch does to an exception from a worker: its traceback becomes its message."""
    kind = type(error)
    _, found, message = str(error).rpartition(f"{kind.__module__}.{kind.__qualname__}: ")
    return kind(one_line(message)) if found else error


def _chain(error: BaseException) -> str:
    """Return the messages of an exception and of those that it was raised from."""
    texts, link = [], error
    while link is not None:
        texts.append(f"{type(link).__name__}: {link}")
        link = link.__cause__ or link.__context__  # type: ignore[assignment]
    return "\n".join(texts)


def _size_of_shm() -> str:
    try:
        status = os.statvfs("/dev/shm")
    except (OSError, AttributeError):  # not on Linux
        return ""
    return f" (/dev/shm has {status.f_blocks * status.f_frsize / 2**20:.0f} MB)"
