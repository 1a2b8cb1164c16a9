from pathlib import Path

import torch

from ganstyle.gatys.benchmark.trial import MARKS, Budget, SnapshotRecorder
from ganstyle.gatys.events import Iterate
from ganstyle.runs.events import Message


def iterate(evaluations: float, loss: float) -> Iterate:
    image = torch.full((1, 3, 1, 1), loss)
    return Iterate(1, 9, evaluations, evaluations / 10, 1, loss, {}, image)


def pictured(snapshots: SnapshotRecorder) -> list[tuple[float, float]]:
    return [(s.evaluations, round(float(s.picture().mean()), 6)) for s in snapshots.kept]


def test_snapshot_marks_rise_and_include_the_table_columns() -> None:
    assert sorted(MARKS) == MARKS
    assert {0.25, 0.5, 1.0} <= set(MARKS)
    assert MARKS[0] < 0.01


def test_snapshot_is_the_best_image_at_its_mark(tmp_path: Path) -> None:
    snapshots = SnapshotRecorder(tmp_path, Budget("evaluations", 100.0))
    snapshots(iterate(24.0, 0.5))
    snapshots(iterate(24.9, 0.7))  # worse: not what an optimization would hand over
    snapshots(Message("a step was taken back"))
    snapshots(iterate(25.5, 0.4))  # the mark at 25 lies between: 0.5 was in hand
    snapshots(iterate(80.0, 0.2))
    snapshots.finish(torch.full((1, 3, 1, 1), 0.1), 10.0, 100.0)
    assert pictured(snapshots) == [(24.0, 0.5), (25.5, 0.4), (80.0, 0.2), (100.0, 0.1)]
    assert snapshots.kept[0].seconds == 2.4
    assert snapshots.notes == ["a step was taken back"]


def test_snapshot_shared_by_several_marks_is_kept_once(tmp_path: Path) -> None:
    snapshots = SnapshotRecorder(tmp_path, Budget("seconds", 10.0))
    for evaluations in (1.0, 30.0, 60.0, 99.0):
        snapshots(iterate(evaluations, 1.0 + evaluations))  # none is better than the first
    snapshots.finish(torch.full((1, 3, 1, 1), 2.0), 10.0, 100.0)
    assert pictured(snapshots) == [(1.0, 2.0), (100.0, 2.0)]
