"""Devices: which one to use, what it is fast at, and how much memory and how many CPUs there are."""

import ctypes
import math
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import torch
from torch import nn

from ganstyle.errors import GanstyleError

_CONTAINER = Path("/sys/fs/cgroup/cpu.max")
_MEMORY = Path("/sys/fs/cgroup")
_MEMORY_INTERVAL = 0.005  # seconds between two samples

_OUT_OF_MEMORY = (
    "DefaultCPUAllocator",
    "out of memory",  # CUDA outside its allocator, MPS
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)


def pick_device(name: str = "auto") -> torch.device:
    """Return the device that ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps`` means here.

    Raises:
        GanstyleError: there is no such device.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).partition("\n")[0].partition(". ")[0]
        raise GanstyleError(f"device '{name}' cannot be used ({reason}); try auto or cpu") from error
    return device


def fast_dtype(device: torch.device) -> torch.dtype:
    """Return the faster type for a frozen network: bfloat16 where it is native, else float32."""
    return torch.bfloat16 if fast_bfloat16(device) else torch.float32


def fast_bfloat16(device: torch.device) -> bool:
    """Say whether bfloat16 arithmetic is native on the device, and so faster than float32.

    CPUs without the instructions emulate it, several times slower than float32.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        # torch has no public name for these yet.
        checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, check, lambda: False)() for check in checks)
    return False


def usable_processors() -> int:
    """Return how many CPUs this process may use: the container's quota, if that is less than the machine has.

    More threads than that only wait for each other.
    """
    visible = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(visible, _container_quota()))


def limit_threads() -> None:
    """Limit PyTorch to as many threads as there are usable CPUs."""
    torch.set_num_threads(min(torch.get_num_threads(), usable_processors()))


def _container_quota() -> int:
    """Return the CPU quota of the control group (version 2), rounded up; without one, a very large number."""
    try:
        quota, period = _CONTAINER.read_text().split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):  # no such file, or its quota is "max"
        return 2**16


def device_of(network: nn.Module, default: torch.device = torch.device("cpu")) -> torch.device:  # noqa: B008
    """Return where a network's weights are; ``default`` if it has none, as an exported one."""
    return next((parameter.device for parameter in network.parameters()), default)


def free_memory(device: torch.device) -> int:
    """Return how many bytes can still be had on a device; on the CPU, within the container's limit."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    import psutil

    return max(0, min(int(psutil.virtual_memory().available), _container_memory()))


def _container_memory() -> int:
    """Return what is left of the control group's memory (version 2); without a limit, a very large number."""
    try:
        limit = int((_MEMORY / "memory.max").read_text())
        used = int((_MEMORY / "memory.current").read_text())
        statistics = dict(line.split() for line in (_MEMORY / "memory.stat").read_text().splitlines())
        # Cached files count as used, though the kernel drops them when memory is needed.
        return limit - used + int(statistics["inactive_file"])
    except (OSError, ValueError, KeyError):  # no such file, or its limit is "max"
        return 2**62


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an error means that a device or the machine ran out of memory."""
    # Only CUDA's allocator has its own exception.
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(
        text in str(error) for text in _OUT_OF_MEMORY
    )


def release_free_memory() -> None:
    """Return freed memory to the operating system, where the C library (glibc) keeps it for later.

    It keeps freed blocks of less than 32 MiB: after large feature maps, some hundred MiB.
    """
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -3, -4  # from glibc's malloc.h
_keepers, _keepers_lock = 0, threading.Lock()


@contextmanager
def keep_freed_memory() -> Iterator[None]:
    """Let the C library (glibc) keep freed blocks of any size for the next ones, and return them at the end.

    By default it returns blocks of more than 32 MiB at once, and the system clears new pages for the next
    one: painting 1920x1080 pixels took twice as long. The peak of memory rises by a fifth.
    """
    global _keepers
    with _keepers_lock:
        _keepers += 1
        if _keepers == 1:
            _set_malloc({_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: -1})
    try:
        yield
    finally:
        with _keepers_lock:
            _keepers -= 1
            if _keepers == 0:  # what glibc adapts to by itself after large blocks, and its default
                _set_malloc({_M_MMAP_MAX: 65536, _M_MMAP_THRESHOLD: 2**25, _M_TRIM_THRESHOLD: 2**26})
                release_free_memory()


def _set_malloc(options: Mapping[int, int]) -> None:
    with suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        for name, value in options.items():
            library.mallopt(name, value)


def check_compiler() -> None:
    """Check that ``torch.compile`` can work here.

    Raises:
        GanstyleError: there is no C++ compiler.
    """
    if not any(shutil.which(name) for name in (os.environ.get("CXX", ""), "g++", "clang++", "cl")):
        raise GanstyleError(
            "compiling needs a C++ compiler, and none is found; install g++, or leave --compile out"
        )


class PeakMemory:
    """Context manager that measures the peak of memory above its level on entry.

    On a CUDA device this is PyTorch's own count, which is exact. Elsewhere it is the process's resident set,
    sampled by a thread every 5 ms. That includes freed memory that the operating system has not got back, so
    a process should measure once; and a peak of a few ms may be missed.

    Args:
        device: where the work is done.

    Attributes:
        bytes: the rise; valid after exit.
    """

    def __init__(self, device: torch.device) -> None:
        import psutil

        self.bytes = 0
        self._device = device
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._process = psutil.Process()
        self._before = 0

    def __enter__(self) -> Self:
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            self._before = torch.cuda.memory_allocated(self._device)
        else:
            self._before = self._resident()
            self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._device.type == "cuda":
            self.bytes = torch.cuda.max_memory_allocated(self._device) - self._before
            return
        self._stop.set()
        self._thread.join()
        self._sample()

    def _watch(self) -> None:
        while not self._stop.wait(_MEMORY_INTERVAL):
            self._sample()

    def _sample(self) -> None:
        self.bytes = max(self.bytes, self._resident() - self._before)

    def _resident(self) -> int:
        return int(self._process.memory_info().rss)
