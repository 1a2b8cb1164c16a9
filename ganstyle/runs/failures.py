"""What a user can do about failures that come from outside: too little memory, killed data workers."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from ganstyle.data.loader_errors import loader_error
from ganstyle.devices import is_out_of_memory
from ganstyle.errors import RunError
from ganstyle.runs.launch import TIMEOUT_VARIABLE

_TIMED_OUT = re.compile(r"[Tt]imed out (waiting|after)|[Ww]ait timeout")  # as Gloo and the store say it
_CLOSED = re.compile(r"Connection (closed by|reset by) peer|Broken pipe")


@contextmanager
def explain_failures(memory: str) -> Iterator[None]:
    """Turn the failures of a block that a user can do something about into errors of one line.

    Args:
        memory: what to change when there is not enough memory.

    Raises:
        RunError: out of memory, or another process of the launch hangs or has ended.
        GanstyleError: the data could not be loaded; see `loader_error`.
    """
    try:
        yield
    except Exception as error:
        explained = loader_error(error)
        if explained is None and is_out_of_memory(error):
            explained = RunError(f"out of memory; {memory}")
        if explained is None and isinstance(error, RuntimeError):
            explained = _lost_process(str(error))
        if explained is None or explained is error:
            raise
        raise explained from error


def _lost_process(message: str) -> RunError | None:
    """Return an error that says what a failed collective call means; None if that is not what failed."""
    if _TIMED_OUT.search(message):
        return RunError(
            "another process has not responded in time and may hang; stop the launch, and the same command "
            f"continues from the last saved state ({TIMEOUT_VARIABLE}=SECONDS sets how long to wait)"
        )
    if _CLOSED.search(message):
        return RunError(
            "another process has ended, see what it said; "
            "the same command continues from the last saved state"
        )
    return None
