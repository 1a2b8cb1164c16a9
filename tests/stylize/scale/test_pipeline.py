"""Reading ahead, batching and writing behind: everything once, in order, and within the limits."""

import threading
import time
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from ganstyle.stylize.scale.pipeline import Depth, run_pipeline


@dataclass(eq=False)
class FakeTask:
    name: int
    size: tuple[int, int] = (4, 4)
    fails: str = ""
    log: list[str] = field(default_factory=list)
    alone: bool = False
    delay: float = 0.0

    def pixels(self) -> int:
        self._step("pixels")
        return self.size[0] * self.size[1]

    def read(self) -> Tensor | None:
        time.sleep(self.delay)
        self._step("read")
        return None if self.alone else torch.full((1, 3, *self.size), float(self.name))

    def paint_alone(self) -> None:
        self._step("alone")

    def write(self, painting: Tensor) -> None:
        assert painting.shape == (1, 3, *self.size)
        assert (painting == self.name + 0.5).all()
        self._step("write")

    def _step(self, step: str) -> None:
        self.log.append(step)
        if step == self.fails:
            raise ValueError(step)


class Painter:
    def __init__(self, fails_on: int | None = None) -> None:
        self.batches: list[list[int]] = []
        self.fails_on = fails_on

    def __call__(self, photos: Tensor) -> Tensor:
        names = [int(photo.flatten()[0]) for photo in photos]
        self.batches.append(names)
        if self.fails_on in names:
            raise RuntimeError("paint")
        return photos + 0.5


def run(tasks: list[FakeTask], painter: Painter, depth: Depth) -> list[tuple[int, str]]:
    done: list[tuple[int, str]] = []
    threads = threading.active_count()
    run_pipeline(
        tasks, painter, depth, lambda task, error, seconds: done.append((task.name, str(error or "")))
    )
    assert threading.active_count() <= threads  # those of other tests may end meanwhile
    return done


DEPTHS = [Depth(), Depth(4, 3, 1, 9), Depth(4, 3, 4, 9), Depth(1, 1, 1, 1), Depth(3, 3, 16, 40, pixels=20)]


@pytest.mark.parametrize("depth", DEPTHS)
def test_pipeline_runs_every_task_once_in_order(depth: Depth) -> None:
    tasks = [FakeTask(i, size=(4, 3 + i % 3), delay=0.002 * (i % 4 == 0), alone=i == 17) for i in range(40)]
    painter = Painter()
    assert run(tasks, painter, depth) == [(i, "") for i in range(40)]
    assert sorted(name for batch in painter.batches for name in batch) == [i for i in range(40) if i != 17]
    for task in tasks:
        assert task.log == ["pixels", "read", "alone" if task.alone else "write"]
    assert max(map(len, painter.batches)) <= depth.batch


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("stage", ["pixels", "read", "paint", "write", "alone"])
def test_pipeline_failure_affects_only_its_task(depth: Depth, stage: str) -> None:
    tasks = [FakeTask(i, fails=stage if i in (0, 5, 6) else "", alone=stage == "alone") for i in range(12)]
    bad = (5,) if stage == "paint" else (0, 5, 6)
    done = run(tasks, Painter(5 if stage == "paint" else None), depth)
    assert done == [(i, stage if i in bad else "") for i in range(12)]


def test_photos_of_equal_size_are_batched() -> None:
    tasks = [FakeTask(i, size=(4, 3 + i % 2)) for i in range(32)]
    tasks[0].delay = 0.1  # the others are read meanwhile
    painter = Painter()
    run(tasks, painter, Depth(8, 1, 8, 32))
    assert [0, 2, 4, 6, 8, 10, 12, 14] in painter.batches
    few = Painter()
    run([FakeTask(i) for i in range(32)], few, Depth(8, 1, 8, 32, batch_pixels=40))
    assert max(map(len, few.batches)) <= 2


def test_pixels_in_memory_are_limited() -> None:
    now, most, lock = 0, 0, threading.Lock()

    class Counted(FakeTask):
        def read(self) -> Tensor | None:
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            return super().read()

        def write(self, painting: Tensor) -> None:
            nonlocal now
            time.sleep(0.001)
            super().write(painting)
            with lock:
                now -= 1

    run([Counted(i) for i in range(30)], Painter(), Depth(4, 4, 1, 20, pixels=3 * 16))
    assert most <= 3
    large = [Counted(i, size=(40, 40)) for i in range(5)]  # each is more than the limit
    most = 0
    run(list(large), Painter(), Depth(4, 4, 1, 20, pixels=3 * 16))
    assert most == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_stylized_photos_are_written_when_interrupted(error: type[BaseException]) -> None:
    tasks = [FakeTask(i) for i in range(20)]
    done: list[int] = []

    def stop(task: FakeTask, failure: Exception | None, seconds: float) -> None:
        done.append(task.name)
        if task.name == 3 and len(done) == 4:
            raise error

    with pytest.raises(error):
        run_pipeline(tasks, Painter(), Depth(2, 2, 1, 8), stop)
    assert done == [task.name for task in tasks if "write" in task.log]
    assert len(done) < 20
