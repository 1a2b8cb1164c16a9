"""What to tell the user when a measurement runs out of memory."""

from collections.abc import Iterator
from contextlib import contextmanager

from ganstyle.devices import is_out_of_memory
from ganstyle.errors import GanstyleError


@contextmanager
def memory_advice(what: str, advice: str = "give a smaller --size, or another --device") -> Iterator[None]:
    """Turn running out of memory into one line that says what to change.

    Args:
        what: what was being done, such as a photo's name.
        advice: what to change.

    Raises:
        GanstyleError: the memory did not suffice. Other errors pass unchanged.
    """
    try:
        yield
    except (RuntimeError, MemoryError, GanstyleError) as error:
        cause = error.__cause__ if isinstance(error, GanstyleError) else error
        if cause is None or not is_out_of_memory(cause):
            raise
        raise GanstyleError(f"{what}: there is not enough memory; {advice}") from error
