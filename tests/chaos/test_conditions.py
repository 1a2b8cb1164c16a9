"""Trainings whose disk fills, whose photos vanish, that are asked to end: nothing is lost, and they go on."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from ganstyle.data.fault_tolerance import PATIENCE
from ganstyle.errors import GanstyleError, RunError
from ganstyle.recipe import Recipe
from ganstyle.runs.events import Progress
from ganstyle.runs.state import check_state, list_states
from ganstyle.training import train
from tests.small_disk import fill, small_disk

RecipeMaker = Callable[..., dict[str, Any]]


def after_step(step: int, act: Callable[[], object]) -> Callable[[object], None]:
    """Return a listener that acts once, after a step."""

    def listen(event: object) -> None:
        if isinstance(event, Progress) and event.step == step:
            act()

    return listen


def final(recipe: Recipe) -> dict[str, Any]:
    (state, *_) = list_states(recipe.folder / "checkpoints")
    assert check_state(state) is None
    values: dict[str, Any] = torch.load(state / "state.pt", weights_only=True)
    generator: dict[str, Any] = values["generator"]
    return generator | {"step": int(state.name[5:])}


def is_same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Compare weights to the bit."""
    return first.keys() == second.keys() and all(
        torch.equal(torch.as_tensor(value), torch.as_tensor(second[name])) for name, value in first.items()
    )


@pytest.fixture
def undisturbed(tiny: RecipeMaker) -> dict[str, Any]:
    recipe = Recipe.parse(tiny(name="whole", steps=6), source="test")
    assert train(recipe).finished
    return final(recipe)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    with small_disk(tmp_path / "disk", 8) as folder:
        yield folder


def test_disk_that_fills(tiny: RecipeMaker, disk: Path, undisturbed: dict[str, Any]) -> None:
    values = tiny(steps=6, run={"dir": str(disk), "log_every": 1, "sample_every": 0, "save_every": 2})
    recipe, filler = Recipe.parse(values, source="test"), disk / "filler"
    with pytest.raises(GanstyleError) as caught:
        train(recipe, after_step(3, lambda: fill(filler)))
    assert "No space left on device" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert final(recipe)["step"] == 2
    filler.unlink()
    assert train(recipe).finished
    assert is_same(final(recipe), undisturbed)


def remount(folder: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)


def test_folder_that_becomes_read_only(tiny: RecipeMaker, disk: Path, undisturbed: dict[str, Any]) -> None:
    values = tiny(steps=6, run={"dir": str(disk), "log_every": 1, "sample_every": 0, "save_every": 2})
    recipe = Recipe.parse(values, source="test")
    remount(disk, "ro")
    with pytest.raises(RunError, match="the run's folder cannot be written to"):
        train(recipe)
    remount(disk, "rw")
    assert not train(recipe, after_step(3, lambda: os.kill(os.getpid(), signal.SIGTERM))).finished
    before = final(recipe)
    remount(disk, "ro")
    with pytest.raises(RunError, match="the run's folder cannot be written to"):
        train(recipe)
    assert is_same(final(recipe), before)
    remount(disk, "rw")
    assert train(recipe).finished
    assert is_same(final(recipe), undisturbed)


def test_sigterm_saves_within_a_step(tiny: RecipeMaker, undisturbed: dict[str, Any]) -> None:
    recipe = Recipe.parse(tiny(steps=6), source="test")
    assert not train(recipe, after_step(3, lambda: os.kill(os.getpid(), signal.SIGTERM))).finished
    assert final(recipe)["step"] in (3, 4)
    assert train(recipe).finished
    assert is_same(final(recipe), undisturbed)


@pytest.fixture
def mine(photos: Path, tmp_path: Path) -> Path:
    """A copy of the photos, to be removed."""
    shutil.copytree(photos, tmp_path / "mine")
    return tmp_path / "mine"


def test_photo_that_vanishes(tiny: RecipeMaker, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PATIENCE, "missing", 0.5)
    recipe = Recipe.parse(tiny(steps=12, content={"path": str(mine)}), source="test")
    victim = min(mine.glob("*.png"))
    with pytest.warns(UserWarning, match=f"{victim.name}: no such file"):
        assert train(recipe, after_step(1, victim.unlink)).finished


def test_photos_that_all_vanish(tiny: RecipeMaker, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PATIENCE, "disk", 2.0)
    recipe = Recipe.parse(tiny(steps=12, content={"path": str(mine)}), source="test")
    away = mine.with_name("away")
    with pytest.warns(UserWarning, match="no such file"), pytest.raises(GanstyleError) as caught:
        train(recipe, after_step(3, lambda: mine.rename(away)))
    assert len(str(caught.value).splitlines()) == 1
    assert final(recipe)["step"] >= 2
    away.rename(mine)
    assert train(recipe).finished
