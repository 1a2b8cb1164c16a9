from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.summary.writer import event_file_writer

from ganstyle.runs.tracking import Tracker


@pytest.fixture(autouse=True)
def _files_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Number this process's event files from 0: of one second, TensorBoard reads 10 before 9."""
    monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(0))


def scalars(folder: Path, name: str = "loss") -> list[tuple[int, float]]:
    events = EventAccumulator(str(folder / "tensorboard"), size_guidance={"images": 0})
    events.Reload()
    return [(point.step, point.value) for point in events.Scalars(name)]


def images(folder: Path) -> list[int]:
    events = EventAccumulator(str(folder / "tensorboard"), size_guidance={"images": 0})
    events.Reload()
    return [image.step for image in events.Images("samples")]


def write(tracker: Tracker, steps: range, value: float) -> None:
    for step in steps:
        tracker.values(step, {"loss": value, "score/style": value})
        tracker.grid(step, "samples", torch.zeros(3, 2, 2))


@pytest.mark.parametrize("name", ["loss", "score/style"])
@pytest.mark.parametrize("step", [1, 3, 5])
def test_resume_keeps_the_point_of_its_step_and_hides_later_ones(
    tmp_path: Path, step: int, name: str
) -> None:
    first = Tracker(tmp_path, step=0, enabled=True)
    write(first, range(6), 1.0)
    first.close()
    second = Tracker(tmp_path, step=step, enabled=True)
    write(second, range(step + 1, 8), 2.0)
    second.close()
    assert scalars(tmp_path, name) == [(s, 1.0 if s <= step else 2.0) for s in range(8)]
    assert images(tmp_path) == list(range(8))


def test_restarted_run_hides_all_points(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        tracker = Tracker(tmp_path, step=0, enabled=True)
        write(tracker, range(3), value)
        tracker.close()
    assert scalars(tmp_path) == [(0, 2.0), (1, 2.0), (2, 2.0)]


def test_rollback_hides_later_points(tmp_path: Path) -> None:
    tracker = Tracker(tmp_path, step=0, enabled=True)
    write(tracker, range(6), 1.0)
    tracker.go_back(2)
    write(tracker, range(3, 5), 2.0)
    tracker.close()
    assert scalars(tmp_path) == [(0, 1.0), (1, 1.0), (2, 1.0), (3, 2.0), (4, 2.0)]


def test_flush_writes_what_is_pending(tmp_path: Path) -> None:
    tracker = Tracker(tmp_path, step=0, enabled=True)
    tracker.values(1, {"loss": 1.0})
    tracker.flush()
    assert scalars(tmp_path) == [(1, 1.0)]
    tracker.close()


def test_other_processes_write_nothing(tmp_path: Path) -> None:
    tracker = Tracker(tmp_path, step=3, enabled=False)
    write(tracker, range(3), 1.0)
    tracker.go_back(1)
    tracker.flush()
    tracker.close()
    assert list(tmp_path.iterdir()) == []
