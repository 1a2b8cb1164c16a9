"""Running out of memory, as one line that says what to change."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ganstyle.devices import is_out_of_memory
from ganstyle.errors import GanstyleError


@contextmanager
def explain_out_of_memory(size: int, device: torch.device | str) -> Iterator[None]:
    """Turn an error of the allocator into a `GanstyleError` of one line.

    Args:
        size: shorter side of the picture that is optimized, in pixels.
        device: where.

    Raises:
        GanstyleError: the memory did not suffice.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise GanstyleError(
            f"optimizing at {size} px needs more memory than {device} has; "
            f"give a smaller size, such as --size {max(size // 2, 1)}"
        ) from error
