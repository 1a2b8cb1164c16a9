"""A run that was killed and continued ends in the same bits as one that was not."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ganstyle.errors import RunError
from ganstyle.files import sha256
from ganstyle.recipe import Recipe
from ganstyle.style import load_style
from ganstyle.training import Event, Message, Progress, Saved, train
from tests.fork_server import ForkServer

RecipeMaker = Callable[..., dict[str, Any]]

# Trains from values on standard input; kills itself, as a machine that fails would, once step 6 is saved.
_KILLED = """
import json, os, signal, sys
from ganstyle.recipe import Recipe
from ganstyle.training import Saved, train

def die(event):
    if isinstance(event, Saved) and event.path.name == "step-000006":
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
def test_kill_9_and_resume_equals_straight(tiny: RecipeMaker, fork_server: ForkServer, workers: int) -> None:
    values = tiny(steps=12, workers=workers, loss={"style": 5.0, "r1": 1.0, "r1_every": 4})
    values["discriminator"]["spectral_norm"] = True
    values["run"]["save_every"] = 3
    straight = Recipe.parse(values | {"name": "straight"}, source="test")
    killed = Recipe.parse(values | {"name": "killed"}, source="test")
    train(straight)

    child = fork_server.start("-c", _KILLED, environment={"OMP_NUM_THREADS": str(torch.get_num_threads())})
    with child.stdin as values_of_the_child:
        json.dump(killed.to_dict(), values_of_the_child)
    assert child.wait() == -signal.SIGKILL
    child.close()
    assert not (killed.folder / "checkpoints" / "step-000012").exists()
    notes: list[Event] = []
    train(killed, notes.append)

    assert any("at step 6" in event.text for event in notes if isinstance(event, Message))
    ours, theirs = _final(killed, 12), _final(straight, 12)
    assert {
        "generator",
        "discriminator",
        "average",
        "generator_optimizer",
        "discriminator_optimizer",
    } <= ours.keys()
    _assert_equal(ours, theirs, "state")


def test_torn_state_is_skipped_with_a_line_and_moved_aside(
    run_training: Any, states: Any, tiny: RecipeMaker
) -> None:
    values = tiny(steps=6)
    train(Recipe.parse(values, source="test"))
    recipe = Recipe.parse(values, source="test")
    torn = recipe.folder / "checkpoints" / "step-000006" / "state.pt"
    torn.write_bytes(torn.read_bytes()[:-100])
    expected_from = recipe.folder / "checkpoints" / "step-000004"
    notes, outcome = run_training(recipe)

    assert any("step-000006" in note and "damaged" in note for note in notes)
    assert any(str(expected_from) in note for note in notes)
    assert any("step-000006 will not be continued; moved to" in note for note in notes)
    assert outcome.step == 6
    assert _final(recipe, 6)["step"] == 6
    assert states(recipe) == ["abandoned-1", "step-000004", "step-000006"]


# --- the same command continues; longer and shorter trainings


def test_same_command_with_an_explicit_state_continues(run_training: Any, tiny: RecipeMaker) -> None:
    first = Recipe.parse(tiny(steps=2), source="test")
    train(first)
    state = first.folder / "checkpoints" / "step-000002"
    second = Recipe.parse(tiny(name="second", steps=8, resume=str(state)), source="test")

    def fail(event: Event) -> None:
        if isinstance(event, Saved) and event.path.name == "step-000006":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(second, fail)
    auto = Recipe.parse(tiny(name="second", steps=8), source="test")
    notes, outcome = run_training(second)
    assert any("at step 6" in note for note in notes)
    assert outcome.step == 8
    # Also when the run was continued by its name meanwhile, and when the first run is gone.
    assert run_training(auto)[1].step == 8
    shutil.rmtree(first.folder)
    assert any("at step 8" in note for note in run_training(second)[0])
    # Another state, or another recipe, is another training.
    for changes in ({"resume": str(second.folder / "nowhere")}, {"seed": 1}):
        values = tiny(name="second", steps=8, resume=str(state)) | changes
        with pytest.raises(RunError):
            train(Recipe.parse(values, source="test"))


def test_same_command_continues_before_anything_was_saved(
    run_training: Any, die_at: Any, tiny: RecipeMaker
) -> None:
    first = Recipe.parse(tiny(steps=2), source="test")
    train(first)
    state = first.folder / "checkpoints" / "step-000002"
    second = Recipe.parse(tiny(name="second", steps=4, resume=str(state)), source="test")
    with pytest.raises(KeyboardInterrupt):
        train(second, die_at(3))
    notes, outcome = run_training(second)
    assert any("at step 2" in note for note in notes)
    assert outcome.step == 4


@pytest.mark.parametrize("stopped_at", [2, 4])
def test_resume_with_more_steps(run_training: Any, die_at: Any, tiny: RecipeMaker, stopped_at: int) -> None:
    recipe = Recipe.parse(tiny(steps=4), source="test")
    if stopped_at == 4:
        train(recipe)
    else:
        with pytest.raises(KeyboardInterrupt):
            train(recipe, die_at(3))
    longer = Recipe.parse(tiny(steps=8), source="test")
    notes, outcome = run_training(longer)
    (changed,) = [note for note in notes if note.startswith("steps: 4 -> 8")]
    assert f"from step {stopped_at} on" in changed
    assert "learning rate" in changed
    assert any(f"at step {stopped_at}" in note for note in notes)
    assert (outcome.step, outcome.finished) == (8, True)
    assert load_style(outcome.style).info["training"]["steps"] == 8
    assert not any(note.startswith("steps:") for note in run_training(longer)[0])
    with pytest.raises(RunError, match=r"has 8 steps already, more than steps=4; set steps=8 or more"):
        train(recipe)


def test_resume_with_more_steps_follows_the_longer_schedule(tiny: RecipeMaker) -> None:
    train(Recipe.parse(tiny(steps=4), source="test"))
    rates: list[float] = []

    def watch(event: Event) -> None:
        if isinstance(event, Progress):
            rates.append(event.values["learning_rate"])

    train(Recipe.parse(tiny(steps=8), source="test"), watch)
    assert rates[0] == pytest.approx(0.5e-3)  # half a cosine at step 4 of 8


def test_resume_with_fewer_steps(run_training: Any, die_at: Any, tiny: RecipeMaker) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(Recipe.parse(tiny(steps=40), source="test"), die_at(3))
    notes, outcome = run_training(Recipe.parse(tiny(steps=4), source="test"))
    assert any(note.startswith("steps: 40 -> 4") for note in notes)
    assert outcome.finished


def test_explicit_state_beyond_the_steps(tiny: RecipeMaker) -> None:
    first = Recipe.parse(tiny(steps=4), source="test")
    train(first)
    state = first.folder / "checkpoints" / "step-000004"
    with pytest.raises(RunError, match="has 4 steps already, more than steps=3"):
        train(Recipe.parse(tiny(name="second", steps=3, resume=str(state)), source="test"))


def test_resume_never_reports_how_to_continue(run_training: Any, tiny: RecipeMaker) -> None:
    recipe = Recipe.parse(tiny(steps=50, resume="never"), source="test")

    def interrupt(event: Event) -> None:
        if isinstance(event, Progress) and event.step == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    notes, outcome = run_training(recipe, interrupt)
    assert not outcome.finished
    assert "the same command with resume=auto continues" in notes[-1]


@pytest.mark.parametrize("part", ["", "checkpoints"])
def test_folder_of_states_is_not_a_state(tiny: RecipeMaker, part: str) -> None:
    first = Recipe.parse(tiny(steps=2), source="test")
    train(first)
    second = Recipe.parse(tiny(name="second", resume=str(first.folder / part)), source="test")
    with pytest.raises(RunError, match=r"name one of its states, such as .*/step-000002"):
        train(second)
    assert not second.folder.exists()


def test_unknown_home_is_not_a_folder(tiny: RecipeMaker, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    values = tiny()
    values["run"]["dir"] = "~nobody-of-this-name/runs"
    with pytest.raises(RunError, match="there is no such user"):
        train(Recipe.parse(values, source="test"))
    assert not list(tmp_path.glob("~*"))


def test_another_recipe_in_the_folder_is_an_error_that_shows_the_difference(tiny: RecipeMaker) -> None:
    train(Recipe.parse(tiny(steps=2), source="test"))
    changed = Recipe.parse(tiny(steps=2, loss={"style": 9.0, "tv": 0.1}), source="test")
    with pytest.raises(RunError, match=r"loss\.style: 5\.0 -> 9\.0"):
        train(changed)


def test_resume_never_does_not_touch_a_run(tiny: RecipeMaker) -> None:
    train(Recipe.parse(tiny(steps=2), source="test"))
    with pytest.raises(RunError, match="holds a run already"):
        train(Recipe.parse(tiny(steps=2, resume="never"), source="test"))


def test_an_explicit_state_continues_elsewhere(tiny: RecipeMaker) -> None:
    first = Recipe.parse(tiny(steps=2), source="test")
    train(first)
    state = first.folder / "checkpoints" / "step-000002"
    second = Recipe.parse(tiny(name="second", steps=4, resume=str(state)), source="test")
    assert train(second).step == 4


def test_a_state_whose_recipe_is_an_older_version_continues_elsewhere(
    run_training: Any, tiny: RecipeMaker
) -> None:
    first = Recipe.parse(tiny(steps=2), source="test")
    train(first)
    state = first.folder / "checkpoints" / "step-000002"
    written = state / "recipe.yaml"
    written.write_text(written.read_text() + "a_key_of_old: 1\n")
    manifest = json.loads((state / "manifest.json").read_text())
    manifest["sha256"]["recipe.yaml"] = sha256(written)
    (state / "manifest.json").write_text(json.dumps(manifest))
    second = Recipe.parse(tiny(name="second", steps=4, resume=str(state)), source="test")
    notes, outcome = run_training(second)
    assert outcome.step == 4
    assert any(note.startswith("steps: 2 -> 4") for note in notes)


def test_a_state_of_other_networks_is_one_line(tiny: RecipeMaker) -> None:
    first = Recipe.parse(tiny(steps=2), source="test")
    train(first)
    state = first.folder / "checkpoints" / "step-000002"
    wider = tiny(name="wider", resume=str(state))
    wider["generator"] = wider["generator"] | {"width": 8}
    with pytest.raises(RunError, match="other networks") as caught:
        train(Recipe.parse(wider, source="test"))
    assert "\n" not in str(caught.value)
