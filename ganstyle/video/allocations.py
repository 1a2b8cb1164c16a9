"""A limit on what FFmpeg allocates at once: a header of 20 bytes can claim an index of 4 GB."""

import ctypes
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import av

_LEAST = 2**26  # bytes that decoders may need besides pictures


def limit_allocations(pixels: int) -> None:
    """Let FFmpeg allocate no more at once than a picture needs; from now on, in this process.

    PyAV has no function for it. Where it uses another FFmpeg than the one that comes with it, FFmpeg's own
    limit of 2 GiB stays.

    Args:
        pixels: of the largest picture, with 6 bytes each (RGB of 16 bits).
    """
    function = _max_alloc()
    if function:
        function(max(_LEAST, 6 * pixels))


@cache
def _max_alloc() -> Any:
    """Return FFmpeg's function, or None."""
    package = Path(av.__file__).parent
    for folder in (package.with_name("av.libs"), package / ".dylibs"):  # in wheels for Linux and macOS
        for library in folder.glob("libavutil*"):
            with suppress(OSError, AttributeError):
                function = ctypes.CDLL(str(library)).av_max_alloc
                function.argtypes, function.restype = [ctypes.c_size_t], None
                return function
    return None
