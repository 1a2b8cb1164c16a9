import errno
import shutil
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard.summary import scalar

from ganstyle.runs.event_file import EventFile


def points(folder: Path) -> list[tuple[int, float]]:
    events = EventAccumulator(str(folder))
    events.Reload()
    return [(point.step, point.value) for point in events.Scalars("loss")]


def test_points_are_read_back_by_tensorboard(tmp_path: Path) -> None:
    folder = tmp_path / "tensorboard"
    first = EventFile(folder, purge_step=0)
    for step in range(4):
        first.add(scalar("loss", step), step)
        first.flush()
    second = EventFile(folder, purge_step=2)
    second.add(scalar("loss", 9.0), 2)
    second.flush()
    assert points(folder) == [(0, 0.0), (1, 1.0), (2, 9.0)]


def test_missing_event_folder_is_retried_and_not_recreated(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    file = EventFile(run / "tensorboard", purge_step=0)
    file.add(scalar("loss", 0.0), 0)
    file.flush()
    run.rename(tmp_path / "away")
    file.add(scalar("loss", 0.0), 1)
    with pytest.warns(RuntimeWarning, match="the curves cannot be written"):
        file.flush()
    file.add(scalar("loss", 0.0), 2)
    file.flush()  # says it once
    assert not run.exists()
    (tmp_path / "away").rename(run)
    file.flush()
    assert points(run / "tensorboard") == [(0, 0.0), (1, 0.0), (2, 0.0)]


def test_removed_event_folder_is_begun_anew(tmp_path: Path) -> None:
    older = EventFile(tmp_path / "kept", purge_step=0)
    for step in range(4):
        older.add(scalar("loss", 0.0), step)
    older.flush()
    folder = tmp_path / "tensorboard"
    file = EventFile(folder, purge_step=2)
    file.add(scalar("loss", 1.0), 2)
    file.flush()
    shutil.rmtree(folder)
    file.add(scalar("loss", 2.0), 3)
    file.flush()
    file.add(scalar("loss", 3.0), 4)
    file.flush()
    assert points(folder) == [(3, 2.0), (4, 3.0)]
    for path in (tmp_path / "kept").iterdir():  # what an earlier session wrote stays hidden from step 2 on
        shutil.copy(path, folder / "events.out.tfevents.0")
    assert points(folder) == [(0, 0.0), (1, 0.0), (3, 2.0), (4, 3.0)]


def test_half_written_records_are_rewritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = EventFile(tmp_path / "tensorboard", purge_step=0)
    file.flush()
    file.add(scalar("loss", 1.0), 1)
    opened = Path.open

    def full_disk(path: Path, mode: str, **keywords: Any) -> Any:
        handle = opened(path, mode, **keywords)
        handle.seek(0, 2)
        handle.write(b"half of a rec")
        handle.close()
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full_disk)
        with pytest.warns(RuntimeWarning, match="No space left on device"):
            file.flush()
    file.add(scalar("loss", 2.0), 2)
    file.flush()
    assert points(tmp_path / "tensorboard") == [(1, 1.0), (2, 2.0)]
