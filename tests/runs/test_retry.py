import errno
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ganstyle.errors import GanstyleError
from ganstyle.recipe import Recipe
from ganstyle.runs.retry import retry_io
from ganstyle.runs.state import check_state, list_states
from ganstyle.style import load_style
from ganstyle.training import Event, Progress, train


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited, none of which pass."""
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


def _failing(times: int, error: Callable[[], Exception]) -> Callable[[], str]:
    left = [times]

    def action() -> str:
        if left[0]:
            left[0] -= 1
            raise error()
        return "done"

    return action


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN])
def test_disk_that_returns_is_retried(tmp_path: Path, waits: list[float], number: int) -> None:
    action = _failing(2, lambda: OSError(number, "away"))
    with pytest.warns(RuntimeWarning, match=f"^{tmp_path}: away; trying again in"):
        assert retry_io(action, tmp_path) == "done"
    assert waits == [1, 2]


def test_wrapped_os_error_is_retried(tmp_path: Path, waits: list[float]) -> None:
    def wrapped() -> Exception:
        error = GanstyleError("cannot be written")
        error.__cause__ = OSError(errno.EIO, "away")
        return error

    with pytest.warns(RuntimeWarning, match="trying again"):
        assert retry_io(_failing(1, wrapped), tmp_path) == "done"
    assert waits == [1]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.ENOENT])
def test_permanent_errors_are_not_retried(tmp_path: Path, waits: list[float], number: int) -> None:
    with pytest.raises(OSError, match="no"):
        retry_io(_failing(1, lambda: OSError(number, "no")), tmp_path)
    with pytest.raises(GanstyleError, match="no"):
        retry_io(_failing(1, lambda: GanstyleError("no")), tmp_path)
    assert waits == []


def test_disk_that_stays_away_is_an_error(tmp_path: Path, waits: list[float]) -> None:
    with pytest.warns(RuntimeWarning), pytest.raises(OSError, match="away"):
        retry_io(_failing(99, lambda: OSError(errno.EIO, "away")), tmp_path)
    assert sum(waits) == 30


def test_missing_run_folder_is_not_recreated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, away = tmp_path / "run", tmp_path / "away"
    away.mkdir()
    monkeypatch.setattr(time, "sleep", lambda seconds: away.rename(folder))

    def write() -> bool:
        (folder / "file").write_text("x")
        return True

    with pytest.warns(RuntimeWarning, match="No such file or directory; trying again in 1 s"):
        assert retry_io(write, folder / "file", inside=folder)
    assert (folder / "file").exists()


@pytest.mark.filterwarnings("ignore:.*trying again:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:.*the curves cannot be written:RuntimeWarning")
def test_training_continues_after_its_folder_returns(tiny: Callable[..., dict[str, Any]]) -> None:
    values = tiny(steps=8)
    values["run"] = values["run"] | {"save_every": 1, "sample_every": 1}
    recipe = Recipe.parse(values, source="test")
    away = recipe.folder.with_name("away")

    def go_away(event: Event) -> None:
        if isinstance(event, Progress) and event.step == 3:
            recipe.folder.rename(away)
            threading.Timer(1.5, lambda: away.rename(recipe.folder)).start()

    assert train(recipe, go_away).finished
    assert [path.name for path in recipe.folder.parent.iterdir()] == [recipe.name]
    (state, *_) = list_states(recipe.folder / "checkpoints")
    assert check_state(state) is None
    assert len(list((recipe.folder / "samples").iterdir())) == 9
    assert load_style(recipe.folder / "style.safetensors").info["training"]["steps"] == 8
    events = EventAccumulator(str(recipe.folder / "tensorboard"))
    events.Reload()
    assert [point.step for point in events.Scalars("loss/content")] == list(range(1, 9))
