"""What a user can do about failures that come from outside: too little memory, killed data workers."""

from collections.abc import Iterator
from contextlib import contextmanager

from ganstyle.data.loader_errors import loader_error
from ganstyle.devices import is_out_of_memory
from ganstyle.errors import RunError


@contextmanager
def explain_failures(memory: str) -> Iterator[None]:
    """Turn the failures of a block that a user can do something about into errors of one line.

    Args:
        memory: what to change when the memory does not suffice.

    Raises:
        RunError: out of memory.
        GanstyleError: the data could not be loaded; see `loader_error`.
    """
    try:
        yield
    except Exception as error:
        explained = loader_error(error)
        if explained is None and is_out_of_memory(error):
            explained = RunError(f"out of memory; {memory}")
        if explained is None or explained is error:
            raise
        raise explained from error
