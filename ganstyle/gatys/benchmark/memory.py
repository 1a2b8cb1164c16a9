"""How much memory a piece of work needs at its peak, PyTorch's own allocations included."""

import threading
from types import TracebackType
from typing import Self

import psutil
import torch

_INTERVAL = 0.005  # seconds between two looks; a pass of the network takes longer even on a small picture


class PeakMemory:
    """While entered, watches how far memory rises above where it was on entry.

    On a CUDA device this is what PyTorch's allocator counts there, which is exact. Elsewhere it is the
    process's resident set, which a thread looks at every 5 ms: it holds everything, also what the operating
    system was not given back, so a process should measure once, and a peak of a few ms may be missed.

    Args:
        device: where the work is done.

    Attributes:
        bytes: the rise; known after leaving.
    """

    def __init__(self, device: torch.device) -> None:
        self.bytes = 0
        self._device = device
        self._over = threading.Event()
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._device.type == "cuda":
            self.bytes = torch.cuda.max_memory_allocated(self._device) - self._before
            return
        self._over.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._over.wait(_INTERVAL):
            self._look()

    def _look(self) -> None:
        self.bytes = max(self.bytes, self._resident() - self._before)

    def _resident(self) -> int:
        return int(self._process.memory_info().rss)
