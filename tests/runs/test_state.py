"""Saved states: whole or not there, pruned by age, never taken for something else."""

import errno
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import torch

from ganstyle._version import __version__
from ganstyle.errors import RunError
from ganstyle.recipe import Recipe
from ganstyle.runs.state import check_state, list_states, load_state, save_state
from ganstyle.training import train

RecipeMaker = Callable[..., dict[str, Any]]


class Saver:
    """Saves states of nothing much."""

    def __init__(self, values: dict[str, Any], folder: Path) -> None:
        self.values, self.folder = values, folder

    def __call__(self, step: int, *, keep: int = 2, resume: str = "auto") -> Path:
        recipe = Recipe.parse(self.values | {"resume": resume}, source="test")
        return save_state(self.folder, step, {"step": step, "w": torch.ones(3)}, recipe, keep=keep)

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def save(tiny: RecipeMaker, tmp_path: Path) -> Saver:
    return Saver(tiny(), tmp_path / "checkpoints")


class _Sink:
    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def load_state_dict(self, accelerator: Any, values: dict[str, Any]) -> None:
        self.values = values


def _load(state: Path) -> dict[str, Any]:
    sink = _Sink()
    load_state(state, sink, None)
    return sink.values


def test_saved_state_is_whole_and_says_its_format(save: Saver) -> None:
    state = save(20)
    assert state.name == "step-000020"
    assert check_state(state) is None
    manifest = json.loads((state / "manifest.json").read_text())
    assert (manifest["format"], manifest["ganstyle"], manifest["step"]) == (1, __version__, 20)
    assert _load(state)["step"] == 20
    assert Recipe.load(state / "recipe.yaml").name == "tiny"


def test_oldest_states_are_pruned(save: Saver) -> None:
    for step in (5, 10, 1000000, 2000000):
        state = save(step)
        assert state.is_dir()
    assert save.names == ["step-1000000", "step-2000000"]


def test_state_resumed_from_is_never_pruned(save: Saver) -> None:
    first = save(20)
    for step in (25, 30, 35):
        save(step, resume=str(first))
    assert save.names == ["step-000020", "step-000030", "step-000035"]


def test_state_that_cannot_be_deleted_is_a_warning(save: Saver, monkeypatch: pytest.MonkeyPatch) -> None:
    save(5)
    monkeypatch.setattr("ganstyle.runs.state.shutil.rmtree", _refuse)
    with pytest.warns(RuntimeWarning, match="cannot be deleted"):
        assert save(10, keep=1).is_dir()


def _refuse(path: Path, **keywords: Any) -> None:
    if not keywords:
        raise OSError(errno.EBUSY, "Device or resource busy")


def test_saving_the_same_step_replaces_the_state(save: Saver) -> None:
    save(5)
    assert check_state(save(5)) is None
    assert save.names == ["step-000005"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("manifest.json", None),
        ("manifest.json", "half{"),
        ("manifest.json", "[]"),
        ("manifest.json", "3"),
        ("manifest.json", "{}"),
        ("manifest.json", '{"sha256": {"state.pt": "", "recipe.yaml": ""}}'),
        ("manifest.json", '{"sha256": {}}'),
        ("manifest.json", '{"sha256": ["state.pt"]}'),
        ("state.pt", None),
        ("state.pt", ""),
        ("recipe.yaml", None),
        ("recipe.yaml", "name: other"),
    ],
)
def test_torn_state_is_detected(save: Saver, name: str, content: str | None) -> None:
    state = save(5)
    if content is None:
        (state / name).unlink()
    else:
        (state / name).write_text(content)
    problem = check_state(state)
    assert problem is not None
    assert name in problem
    assert "\n" not in problem
    with pytest.raises(RunError, match="not a training state that can be continued"):
        _load(state)


def test_state_of_a_newer_version_is_not_torn(save: Saver) -> None:
    state = save(5)
    manifest = json.loads((state / "manifest.json").read_text())
    (state / "manifest.json").write_text(json.dumps(manifest | {"format": 2}))
    with pytest.raises(RunError, match="format 2, of a newer ganstyle; upgrade"):
        check_state(state)


def test_state_that_cannot_be_read_is_not_torn(save: Saver, monkeypatch: pytest.MonkeyPatch) -> None:
    state = save(5)

    def denied(path: Path) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("ganstyle.runs.state.sha256", denied)
    with pytest.raises(RunError, match="cannot be read"):
        check_state(state)


def test_leftovers_of_a_killed_save_are_removed(save: Saver) -> None:
    (save.folder / ".step-000007.tmp").mkdir(parents=True)
    (save.folder / ".step-000007.tmp" / "state.pt").write_text("half")
    save(10)
    assert save.names == ["step-000010"]
    assert list_states(save.folder) == [save.folder / "step-000010"]


def test_save_retries_while_the_disk_is_away(
    save: Saver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    save.folder = tmp_path / "run" / "checkpoints"
    (tmp_path / "away").mkdir()
    monkeypatch.setattr(time, "sleep", lambda seconds: (tmp_path / "away").rename(tmp_path / "run"))
    with pytest.warns(RuntimeWarning, match="trying again in 1 s"):
        state = save(5)
    assert check_state(state) is None


def test_save_on_a_flaky_disk(save: Saver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    fsync, failures = os.fsync, [OSError(errno.EIO, "Input/output error")] * 3

    def flaky(descriptor: int) -> None:
        if failures:
            raise failures.pop()
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", flaky)
    with pytest.warns(RuntimeWarning, match="Input/output error; trying again"):
        state = save(5)
    assert check_state(state) is None
    assert save.names == ["step-000005"]


def test_full_disk_leaves_the_state_before(save: Saver, monkeypatch: pytest.MonkeyPatch) -> None:
    save(5)

    def full(values: Any, file: Any) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(RunError, match="cannot be saved"):
        save(10, keep=1)
    assert save.names == ["step-000005"]


def test_keep_prunes_the_oldest(tiny: RecipeMaker) -> None:
    values = tiny(steps=6)
    values["run"] = values["run"] | {"save_every": 1, "keep": 3}
    recipe = Recipe.parse(values, source="test")
    train(recipe)
    names = sorted(path.name for path in (recipe.folder / "checkpoints").iterdir())
    assert names == ["step-000004", "step-000005", "step-000006"]


def test_pruning_waits_for_the_new_state(tiny: RecipeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    values = tiny(steps=4)
    values["run"] = values["run"] | {"save_every": 2, "keep": 1}
    recipe = Recipe.parse(values, source="test")
    save = torch.save

    def full_disk(obj: dict[str, Any], file: BinaryIO) -> None:
        if obj["step"] == 4:
            file.write(b"half")
            raise OSError(28, "No space left on device")
        save(obj, file)

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(RunError, match="No space left on device") as caught:
        train(recipe)
    assert "\n" not in str(caught.value)
    assert [path.name for path in (recipe.folder / "checkpoints").iterdir()] == ["step-000002"]
