"""Reading ahead and writing behind in threads, while this one paints."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor

from ganstyle.devices import usable_processors
from ganstyle.stylize.scale.budget import PixelBudget


class Task(Protocol):
    """One photo on its way: its methods are called in this order, each in another thread."""

    def pixels(self) -> int:
        """Return how many it has, from its header."""
        ...

    def read(self) -> Tensor | None:
        """Return the photo, (1, 3, H, W); None: it does not fit into memory, and `paint_alone` does it."""
        ...

    def paint_alone(self) -> None:
        """Paint it from file to file."""
        ...

    def write(self, painting: Tensor) -> None:
        """Encode and keep the result, (1, 3, H, W)."""
        ...


T = TypeVar("T", bound=Task)


@dataclass(frozen=True)
class Depth:
    """How much is under way at once.

    Attributes:
        readers: threads that read.
        writers: threads that write.
        batch: photos of one size that are painted together, at most.
        window: photos on their way, at most.
        pixels: their pixels, at most; a single larger photo is on its way alone. Each takes some 24 bytes.
        batch_pixels: those of a batch, at most.
    """

    readers: int = 1
    writers: int = 1
    batch: int = 1
    window: int = 4
    pixels: int = 36_000_000
    batch_pixels: int = 4_194_304

    @classmethod
    def of(cls, device: torch.device, processes: int = 1) -> "Depth":
        """Return what suits a device, in one of so many processes on the machine.

        A CPU paints one photo at a time, and has no cores to spare. A GPU is faster in batches, and it takes
        several threads to decode as fast as it paints.
        """
        if device.type != "cuda":
            return cls()
        threads = max(2, min(16, usable_processors() // max(1, processes) // 2))
        return cls(threads, threads, 16, 48 + 2 * threads, 144_000_000, 8_388_608)


@dataclass(eq=False)
class _Job(Generic[T]):
    task: T
    reading: Future[Tensor | None]
    writing: Future[None] | None = None
    error: Exception | None = None
    seconds: float = 0.0
    weight: int = 0

    @property
    def is_settled(self) -> bool:
        return self.error is not None or (self.writing is not None and self.writing.done())


def run_pipeline(
    tasks: Iterable[T],
    paint: Callable[[Tensor], Tensor],
    depth: Depth,
    on_done: Callable[[T, Exception | None, float], None],
) -> None:
    """Read, paint and write photos.

    Args:
        tasks: the photos; the next one is asked for as soon as there is room.
        paint: maps (B, 3, H, W) to the same; called in this thread.
        depth: how much is under way at once.
        on_done: called in this thread and in the order of the tasks with each task, its error and the seconds
            it took. What it raises ends everything. Then, and when anything is interrupted, it is still
            called for photos that were being written, unless they failed.
    """
    budget = PixelBudget(depth.pixels)
    readers, writers = ThreadPoolExecutor(depth.readers), ThreadPoolExecutor(depth.writers)
    queue: deque[_Job[T]] = deque()
    started, source = 0, iter(tasks)

    def read(job: _Job[T], ticket: int) -> Tensor | None:
        start = time.perf_counter()
        try:
            job.weight = job.task.pixels()
        finally:  # those after it wait for its turn
            job.seconds += time.perf_counter() - start
            budget.take(ticket, job.weight)
        start = time.perf_counter()
        try:
            return job.task.read()
        finally:
            job.seconds += time.perf_counter() - start

    def write(job: _Job[T], painting: Tensor) -> None:
        start = time.perf_counter()
        try:
            job.task.write(painting)
        finally:
            job.seconds += time.perf_counter() - start
            job.reading = Future()  # lets go of the photo
            budget.give_back(job.weight)

    def report(job: _Job[T]) -> None:
        if job.error is None and job.writing is not None:
            try:
                job.writing.result()
            except Exception as error:
                job.error = error
        on_done(job.task, job.error, job.seconds)

    try:
        try:
            while True:
                while len(queue) < depth.window and (task := next(source, None)) is not None:
                    job = _Job(task, Future())
                    job.reading = readers.submit(read, job, started)
                    queue.append(job)
                    started += 1
                if not queue:
                    return
                waiting = [job for job in queue if job.writing is None and job.error is None]
                if waiting:
                    _paint_next(
                        waiting, paint, depth, lambda job, result: writers.submit(write, job, result), budget
                    )
                elif queue[0].writing is not None:
                    queue[0].writing.exception()  # waits
                while queue and queue[0].is_settled:
                    report(queue.popleft())
        finally:
            budget.close()
            readers.shutdown(cancel_futures=True)
            writers.shutdown()
    except BaseException:
        for job in queue:
            if job.writing is not None and job.writing.exception() is None:
                on_done(job.task, None, job.seconds)
        raise


def _paint_next(
    waiting: Sequence[_Job[T]],
    paint: Callable[[Tensor], Tensor],
    depth: Depth,
    write: Callable[[_Job[T], Tensor], Future[None]],
    budget: PixelBudget,
) -> None:
    """Paint the first photo that waits, with those of its size that have been read."""
    first = waiting[0]
    start = time.perf_counter()
    try:
        photo = first.reading.result()
        if photo is None:
            start = time.perf_counter()
            first.task.paint_alone()
            first.seconds += time.perf_counter() - start
            budget.give_back(first.weight)
            first.writing = Future()
            first.writing.set_result(None)
            return
    except Exception as error:
        first.error = error
        budget.give_back(first.weight)
        return
    most = min(depth.batch, max(1, depth.batch_pixels // (photo.shape[-2] * photo.shape[-1])))
    batch = [first]
    for job in waiting[1:]:
        if len(batch) < most and _has_shape(job, photo):
            batch.append(job)
    start = time.perf_counter()
    if len(batch) > 1:
        try:
            paintings = paint(torch.cat([_photo(job) for job in batch]))
        except Exception:  # one of them, or too little memory: each alone shows which
            pass
        else:
            for job, painting in zip(batch, paintings.chunk(len(batch)), strict=True):
                job.seconds += (time.perf_counter() - start) / len(batch)
                job.writing = write(job, painting)
            return
    for job in batch:
        start = time.perf_counter()
        try:
            painting = paint(_photo(job))
        except Exception as error:
            job.error = error
            budget.give_back(job.weight)
        job.seconds += time.perf_counter() - start
        if job.error is None:
            job.writing = write(job, painting)


def _has_shape(job: _Job[T], photo: Tensor) -> bool:
    if not job.reading.done() or job.reading.exception() is not None:
        return False
    other = job.reading.result()
    return other is not None and other.shape == photo.shape


def _photo(job: _Job[T]) -> Tensor:
    photo = job.reading.result()
    assert photo is not None
    return photo
