"""A run that was killed and continued ends in the same bits as one that was not."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ganstyle.errors import RunError
from ganstyle.recipe import Recipe
from ganstyle.training import Event, Message, train

RecipeMaker = Callable[..., dict[str, Any]]

# Trains from values on standard input; kills itself, as a machine that fails would, once step 10 is saved.
_KILLED = """
import json, os, signal, sys
from ganstyle.recipe import Recipe
from ganstyle.training import Saved, train

def die(event):
    if isinstance(event, Saved) and event.path.name == "step-000010":
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    train(Recipe.parse(json.load(sys.stdin), source="test"), die)
"""


def _final(recipe: Recipe, step: int) -> dict[str, Any]:
    path = recipe.folder / "checkpoints" / f"step-{step:06d}" / "state.pt"
    values: dict[str, Any] = torch.load(path, weights_only=True)
    return values


def _assert_equal(a: Any, b: Any, where: str) -> None:
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            if key != "seconds":
                _assert_equal(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, list):
        for index, (x, y) in enumerate(zip(a, b, strict=True)):
            _assert_equal(x, y, f"{where}[{index}]")
    else:
        assert a == b, where


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # fork in a process with threads
def test_kill_9_and_resume_equals_straight(tiny: RecipeMaker, workers: int) -> None:
    values = tiny(steps=20, workers=workers, loss={"style": 5.0, "r1": 1.0, "r1_every": 4})
    values["discriminator"]["spectral_norm"] = True
    values["run"]["save_every"] = 5
    straight = Recipe.parse(values | {"name": "straight"}, source="test")
    killed = Recipe.parse(values | {"name": "killed"}, source="test")
    train(straight)

    child = subprocess.run(
        [sys.executable, "-c", _KILLED],
        input=json.dumps(killed.to_dict()),
        text=True,
        check=False,
        env={"OMP_NUM_THREADS": str(torch.get_num_threads()), "PYTHONPATH": ":".join(sys.path)},
    )
    assert child.returncode == -signal.SIGKILL
    assert not (killed.folder / "checkpoints" / "step-000020").exists()
    notes: list[Event] = []
    train(killed, notes.append)

    assert any("at step 10" in event.text for event in notes if isinstance(event, Message))
    ours, theirs = _final(killed, 20), _final(straight, 20)
    assert {
        "generator",
        "discriminator",
        "average",
        "generator_optimizer",
        "discriminator_optimizer",
    } <= ours.keys()
    _assert_equal(ours, theirs, "state")


def test_a_torn_state_is_passed_over_with_a_warning(tiny: RecipeMaker) -> None:
    values = tiny(steps=6)
    train(Recipe.parse(values, source="test"))
    recipe = Recipe.parse(values, source="test")
    torn = recipe.folder / "checkpoints" / "step-000006" / "state.pt"
    torn.write_bytes(torn.read_bytes()[:-100])
    expected_from = recipe.folder / "checkpoints" / "step-000004"
    events: list[Event] = []
    outcome = train(recipe, events.append)

    notes = [event.text for event in events if isinstance(event, Message)]
    assert any("step-000006" in note and "damaged" in note for note in notes)
    assert any(str(expected_from) in note for note in notes)
    assert outcome.step == 6
    assert _final(recipe, 6)["step"] == 6


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

    def full_disk(obj: dict[str, Any], path: Path) -> None:
        if obj["step"] == 4:
            Path(path).write_bytes(b"half")
            raise OSError(28, "No space left on device")
        save(obj, path)

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(RunError, match="No space left on device") as caught:
        train(recipe)
    assert "\n" not in str(caught.value)
    assert [path.name for path in (recipe.folder / "checkpoints").iterdir()] == ["step-000002"]


def test_another_recipe_in_the_folder_is_an_error_that_shows_the_difference(tiny: RecipeMaker) -> None:
    train(Recipe.parse(tiny(steps=2), source="test"))
    changed = Recipe.parse(tiny(steps=2, loss={"style": 9.0, "tv": 0.1}), source="test")
    with pytest.raises(RunError, match=r"loss\.style: 5\.0 -> 9\.0"):
        train(changed)


def test_never_does_not_touch_a_run(tiny: RecipeMaker) -> None:
    train(Recipe.parse(tiny(steps=2), source="test"))
    with pytest.raises(RunError, match="holds a run already"):
        train(Recipe.parse(tiny(steps=2, resume="never"), source="test"))


def test_an_explicit_state_continues_elsewhere(tiny: RecipeMaker) -> None:
    first = Recipe.parse(tiny(steps=2), source="test")
    train(first)
    state = first.folder / "checkpoints" / "step-000002"
    second = Recipe.parse(tiny(name="second", steps=4, resume=str(state)), source="test")
    assert train(second).step == 4


def test_a_state_of_other_networks_is_one_line(tiny: RecipeMaker) -> None:
    first = Recipe.parse(tiny(steps=2), source="test")
    train(first)
    state = first.folder / "checkpoints" / "step-000002"
    wider = tiny(name="wider", resume=str(state))
    wider["generator"] = wider["generator"] | {"width": 8}
    with pytest.raises(RunError, match="other networks") as caught:
        train(Recipe.parse(wider, source="test"))
    assert "\n" not in str(caught.value)


def test_a_missing_manifest_is_torn(tiny: RecipeMaker) -> None:
    recipe = Recipe.parse(tiny(steps=4), source="test")
    train(recipe)
    (recipe.folder / "checkpoints" / "step-000004" / "manifest.json").unlink()
    shutil.rmtree(recipe.folder / "checkpoints" / "step-000002")
    notes: list[Event] = []
    assert train(recipe, notes.append).step == 4
    assert any("incomplete" in event.text for event in notes if isinstance(event, Message))
