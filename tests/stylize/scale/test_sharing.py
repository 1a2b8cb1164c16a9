"""Sixty-four workers with a fake generator, some slow and some killed: every photo exactly once."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from ganstyle.images import read_image
from ganstyle.stylize import FileEvent, PlannedFile, plan_outputs, stylize_plan
from ganstyle.stylize.scale.claims import Claims
from ganstyle.stylize.scale.state import remove_abandoned, state_folder
from ganstyle.stylize.scale.workers import Worker

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")

WORKERS, PHOTOS = 64, 320


class FakeGenerator(nn.Module):
    """Inverts photos, and writes down which: their red is the tens, their green the units."""

    def __init__(self, log: Path, delay: float) -> None:
        super().__init__()
        self.log, self.delay = log, delay

    def forward(self, x: Tensor) -> Tensor:
        time.sleep(self.delay)
        levels = (x[0, :2, 0, 0] * 255).round().int().tolist()
        with self.log.open("a") as file:
            file.write(f"{levels[0] * 100 + levels[1]}\n")
        return 1 - x


def make_photos(folder: Path, count: int) -> Path:
    folder.mkdir()
    for index in range(count):
        Image.new("RGB", (6, 4), (index // 100, index % 100, 0)).save(folder / f"{index:04}.png")
    return folder


def start(folder: Path, plan: list[PlannedFile], rank: int, world: int, delay: float) -> int:
    """Start a worker; return its process."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        log = folder / "logs" / f"{rank}-{os.getpid()}.txt"
        work(folder, plan, FakeGenerator(log, delay), Worker(rank, world))
        code = 0
    finally:
        os._exit(code)


def plan_of(folder: Path) -> list[PlannedFile]:
    return plan_outputs([folder / "in"], folder / "out")


def work(folder: Path, plan: list[PlannedFile], generator: nn.Module, worker: Worker) -> list[FileEvent]:
    remove_abandoned([folder / "out"] if worker.rank == 0 else [])
    claims, events = Claims(state_folder(folder / "out") / "claims.lock"), list[FileEvent]()
    stylize_plan(generator, plan, worker=worker, claims=claims, on_event=events.append)
    claims.close()
    return events


def painted(folder: Path) -> dict[int, Counter[int]]:
    """Return which photos each process has painted."""
    logs = (folder / "logs").iterdir()
    return {int(log.stem.split("-")[1]): Counter(map(int, log.read_text().split())) for log in logs}


def check_results(folder: Path, count: int) -> None:
    assert sorted(path.name for path in (folder / "out").iterdir() if path.name != ".ganstyle") == [
        f"{index:04}.png" for index in range(count)
    ]
    for index in range(0, count, 7):
        expected = 1 - read_image(folder / "in" / f"{index:04}.png")
        torch.testing.assert_close(read_image(folder / "out" / f"{index:04}.png"), expected)


def test_64_workers_with_slow_and_killed_ones(tmp_path: Path) -> None:
    """What a killed one had painted but not written is painted again, by others; nothing else is."""
    make_photos(tmp_path / "in", PHOTOS)
    (tmp_path / "logs").mkdir()
    plan, rng = plan_of(tmp_path), random.Random(0)
    processes = [
        start(tmp_path, plan, rank, WORKERS, rng.choice([0, 0, 0.01, 0.3])) for rank in range(WORKERS)
    ]
    killed = set(rng.sample(processes, 12))
    for process in killed:
        time.sleep(rng.random() * 0.1)
        os.kill(process, signal.SIGKILL)
    codes = {process: os.waitpid(process, 0)[1] for process in processes}
    assert {codes[process] for process in processes if process not in killed} == {0}
    last = work(tmp_path, plan, FakeGenerator(tmp_path / "logs" / "0-1.txt", 0.0), Worker())
    assert {event.status for event in last} <= {"done", "skipped"}
    by_process = painted(tmp_path)
    counts = sum(by_process.values(), Counter[int]())
    assert set(counts) == set(range(PHOTOS))
    twice = {photo for photo, count in counts.items() if count > 1}
    assert twice <= {photo for process in killed for photo in by_process.get(process, ())}
    assert len(twice) <= 4 * len(killed)  # the window of a pipeline
    check_results(tmp_path, PHOTOS)
    assert not list((tmp_path / "out").glob(".ganstyle-*"))
    assert not list((tmp_path / "out" / ".ganstyle").iterdir())


def test_slow_worker_is_helped(tmp_path: Path) -> None:
    make_photos(tmp_path / "in", 24)
    (tmp_path / "logs").mkdir()
    plan = plan_of(tmp_path)
    processes = [start(tmp_path, plan, rank, 2, 1.0 if rank else 0.0) for rank in range(2)]
    assert [os.waitpid(process, 0)[1] for process in processes] == [0, 0]
    by_process = painted(tmp_path)
    assert sum(by_process.values(), Counter[int]()) == Counter(range(24))
    slow = by_process.get(processes[1], Counter[int]())  # it may find all done when it starts
    assert slow.total() < 12


def test_dead_worker_does_not_stop_others(tmp_path: Path) -> None:
    """A share whose owner never starts is done by the others."""
    make_photos(tmp_path / "in", 9)
    (tmp_path / "logs").mkdir()
    events = work(
        tmp_path, plan_of(tmp_path), FakeGenerator(tmp_path / "logs" / "0-1.txt", 0.0), Worker(1, 3)
    )
    assert [event.status for event in events] == ["done"] * 9
    check_results(tmp_path, 9)


def test_late_worker_skips_nothing(tmp_path: Path) -> None:
    """What the others did in its place before it began is not what had been there before the launch."""
    make_photos(tmp_path / "in", 6)
    (tmp_path / "logs").mkdir()
    (tmp_path / "out").mkdir()
    Image.new("RGB", (6, 4)).save(tmp_path / "out" / "0003.png")
    left = state_folder(tmp_path / "out") / "claims.lock"
    left.touch()
    for old in (tmp_path / "out" / "0003.png", left):  # the latter by a killed process
        os.utime(old, (1, 1))
    plan, generator = plan_of(tmp_path), FakeGenerator(tmp_path / "logs" / "0-1.txt", 0.0)
    claims, events = Claims(left), list[FileEvent]()
    stylize_plan(generator, plan, worker=Worker(0, 2), claims=claims, on_event=events.append)
    assert [event.status for event in events] == ["done"] * 5
    if (process := os.fork()) == 0:
        found = [(event.source.name, event.status) for event in work(tmp_path, plan, generator, Worker(1, 2))]
        os._exit(0 if found == [("0003.png", "skipped")] else 1)
    assert os.waitpid(process, 0)[1] == 0
    claims.close()


def test_unreadable_photo_is_reported_once(tmp_path: Path) -> None:
    make_photos(tmp_path / "in", 4)
    (tmp_path / "logs").mkdir()
    (tmp_path / "in" / "0001.png").write_bytes(b"no photo")
    reports: list[tuple[int, list[str]]] = []
    for rank in range(2):
        events = work(
            tmp_path, plan_of(tmp_path), FakeGenerator(tmp_path / "logs" / "0-1.txt", 0.0), Worker(rank, 2)
        )
        reports.append((rank, [event.status for event in events]))
    assert reports[0] == (0, ["done", "done", "done", "failed"])  # it helps with rank 1's share
    assert reports[1] == (1, ["failed", "skipped"])


def test_force_keeps_workers_to_their_shares(tmp_path: Path) -> None:
    make_photos(tmp_path / "in", 6)
    plan = plan_outputs([tmp_path / "in"], tmp_path / "out")
    done: list[str] = []
    record: Callable[[FileEvent], None] = lambda event: done.append(event.source.name)  # noqa: E731
    for rank in range(2):
        claims = Claims(state_folder(tmp_path / "out") / "claims.lock")
        stylize_plan(
            nn.Identity(), plan, worker=Worker(rank, 2), claims=claims, on_event=record, overwrite=True
        )
        claims.close()
    assert done == [f"{index:04}.png" for index in (0, 2, 4, 1, 3, 5)]
