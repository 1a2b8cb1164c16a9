"""A run's folder holds one line of history, whatever states are continued."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganstyle.errors import RunError
from ganstyle.recipe import Recipe
from ganstyle.style import load_style
from ganstyle.training import Event, Saved, train
from ganstyle.training.validation import Scores

RecipeMaker = Callable[..., dict[str, Any]]


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_resume_from_earlier_state_moves_later_ones_aside(
    run_training: Any, states: Any, tiny: RecipeMaker
) -> None:
    values = tiny(steps=6)
    values["run"] = values["run"] | {"save_every": 1, "keep": 6}
    recipe = Recipe.parse(values, source="test")
    train(recipe)
    checkpoints = recipe.folder / "checkpoints"
    back = {"resume": str(checkpoints / "step-000002"), "optimizer": {"lr": 5.0e-4}, "steps": 4}
    back["run"] = values["run"] | {"keep": 2}
    again = Recipe.parse(values | back, source="test")
    notes, outcome = run_training(again)

    (moved,) = [note for note in notes if "moved to" in note]
    assert "step-000003, step-000004, step-000005, step-000006 will not be continued" in moved
    assert str(checkpoints / "abandoned-1") in moved
    assert any("another recipe (optimizer.lr: 0.001 -> 0.0005)" in note for note in notes)
    assert any("steps: 6 -> 4" in note for note in notes)
    assert any("resumed from" in note and "at step 2" in note for note in notes)
    assert outcome.step == 4
    # The state resumed from stays although keep is 2, and so does everything that was abandoned.
    assert states(again) == ["abandoned-1", "step-000002", "step-000003", "step-000004"]
    assert sorted(path.name for path in (checkpoints / "abandoned-1").iterdir()) == [
        *(f"step-00000{step}" for step in (3, 4, 5, 6)),
        "style.safetensors",
    ]
    assert load_style(checkpoints / "abandoned-1" / "style.safetensors").info["training"]["steps"] == 6
    assert load_style(outcome.style).info["training"]["steps"] == 4
    # The same command continues rather than going back once more; so does one without resume.
    assert any("has begun from" in note and "step-000004" in note for note in run_training(again)[0])
    auto = Recipe.parse(values | back | {"resume": "auto"}, source="test")
    assert any("at step 4" in note for note in run_training(auto)[0])
    assert states(again) == ["abandoned-1", "step-000002", "step-000003", "step-000004"]


def test_resume_earlier_twice_and_from_an_abandoned_state(
    run_training: Any, states: Any, tiny: RecipeMaker
) -> None:
    values = tiny(steps=4)
    values["run"] = values["run"] | {"save_every": 1, "keep": 9}
    train(Recipe.parse(values, source="test"))
    checkpoints = Recipe.parse(values, source="test").folder / "checkpoints"
    for state in ("step-000002", "step-000001", "abandoned-1/step-000003"):
        recipe = Recipe.parse(values | {"resume": str(checkpoints / state)}, source="test")
        assert run_training(recipe)[1].step == 4
    assert states(recipe) == ["abandoned-1", "abandoned-2", "abandoned-3", "step-000004"]
    assert (checkpoints / "abandoned-1" / "step-000003").is_dir()
    assert (checkpoints / "abandoned-3" / "step-000001").is_dir()


def test_state_under_another_name_can_be_continued(run_training: Any, tiny: RecipeMaker) -> None:
    values = tiny(steps=4)
    recipe = Recipe.parse(values, source="test")
    train(recipe)
    copy = recipe.folder / "checkpoints" / "step-000002-before-the-change"
    (recipe.folder / "checkpoints" / "step-000002").rename(copy)
    notes, outcome = run_training(Recipe.parse(values | {"resume": str(copy)}, source="test"))
    assert any("at step 2" in note for note in notes)
    assert outcome.step == 4
    assert copy.is_dir()


def test_interrupted_after_going_back_resumes_there(
    run_training: Any, states: Any, tiny: RecipeMaker
) -> None:
    values = tiny(steps=6)
    values["run"] = values["run"] | {"save_every": 1, "keep": 9}
    recipe = Recipe.parse(values, source="test")
    train(recipe)
    again = Recipe.parse(
        values | {"resume": str(recipe.folder / "checkpoints" / "step-000002")}, source="test"
    )

    def fail(event: Event) -> None:
        if isinstance(event, Saved) and event.path.name == "step-000004":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(again, fail)
    assert states(again) == ["abandoned-1", *(f"step-00000{step}" for step in (1, 2, 3, 4))]
    notes, outcome = run_training(again)
    assert any("at step 4" in note for note in notes)
    assert not any("moved to" in note for note in notes)
    assert outcome.step == 6


def test_every_state_torn_is_an_error_and_nothing_is_touched(tiny: RecipeMaker) -> None:
    values = tiny(steps=4)
    recipe = Recipe.parse(values, source="test")
    style = train(recipe).style
    for state in (recipe.folder / "checkpoints").iterdir():
        (state / "state.pt").write_bytes(b"torn")
    before = _contents(recipe.folder)
    for resume in ("auto", "never", str(recipe.folder / "checkpoints" / "step-000004")):
        for steps in (4, 8):
            with pytest.raises(RunError) as caught:
                train(Recipe.parse(values | {"resume": resume, "steps": steps}, source="test"))
            assert "\n" not in str(caught.value)
    assert _contents(recipe.folder) == before
    with pytest.raises(RunError, match=r"none of the 2 saved states is whole .*move the folder away"):
        train(recipe)
    assert style.exists()


def test_lost_recipe_is_found_in_the_newest_state(run_training: Any, tiny: RecipeMaker) -> None:
    values = tiny(steps=4)
    recipe = Recipe.parse(values, source="test")
    train(recipe)
    (recipe.folder / "recipe.yaml").unlink()
    with pytest.raises(RunError, match=r"seed: 0 -> 1"):
        train(Recipe.parse(values | {"seed": 1}, source="test"))
    notes, outcome = run_training(recipe)
    assert any("recipe.yaml: is missing; that of step-000004 is used" in note for note in notes)
    assert any("at step 4" in note for note in notes)
    assert outcome.finished
    assert (recipe.folder / "recipe.yaml").exists()


def test_lost_recipe_and_torn_states_are_an_error(tiny: RecipeMaker) -> None:
    recipe = Recipe.parse(tiny(steps=4), source="test")
    train(recipe)
    (recipe.folder / "recipe.yaml").unlink()
    for state in (recipe.folder / "checkpoints").iterdir():
        (state / "state.pt").write_bytes(b"torn")
    with pytest.raises(RunError, match=r"no recipe.yaml, and none of its 2 training states is whole"):
        train(recipe)


@pytest.mark.parametrize("with_recipe", [True, False])
def test_style_without_states_is_not_overwritten(tiny: RecipeMaker, with_recipe: bool) -> None:
    recipe = Recipe.parse(tiny(steps=2), source="test")
    style = train(recipe).style
    content = style.read_bytes()
    shutil.rmtree(recipe.folder / "checkpoints")
    if not with_recipe:
        (recipe.folder / "recipe.yaml").unlink()
    with pytest.raises(RunError, match=r"holds style.safetensors but no training state"):
        train(recipe)
    assert style.read_bytes() == content


def test_run_without_a_state_restarts(die_at: Any, tiny: RecipeMaker) -> None:
    recipe = Recipe.parse(tiny(steps=4), source="test")
    with pytest.raises(KeyboardInterrupt):
        train(recipe, die_at(1))
    changed = Recipe.parse(tiny(steps=4, seed=3, resume="never"), source="test")
    assert train(changed).step == 4


def _scored(tiny: RecipeMaker, photos: Path, **changes: Any) -> dict[str, Any]:
    score = {"every": 1, "content": str(photos), "size": 16, "count": 1}
    values = tiny(**{"steps": 4, "score": score} | changes)
    values["run"] = values["run"] | {"save_every": 1, "keep": 9}
    return values


def _best_step(folder: Path) -> int:
    step: int = load_style(folder / "best.safetensors").info["training"]["steps"]
    return step


def _scored_steps(folder: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (folder / "scores.jsonl").read_text().splitlines()]


@pytest.fixture
def scores(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that makes a training's scores of style those given, in their order."""

    def fake(*styles: float) -> None:
        left = iter(styles)
        monkeypatch.setattr(
            Scores, "measure", lambda self, generator: {"content": 0.0, "style": next(left), "mse": 0.0}
        )

    return fake


def test_best_belongs_to_the_history_that_is_gone_back_to(
    tiny: RecipeMaker, photos: Path, scores: Callable[..., None]
) -> None:
    scores(9, 0.5, 0.4, 0.3, 0.2)
    values = _scored(tiny, photos)
    folder = train(Recipe.parse(values, source="test")).style.parent
    assert _best_step(folder) == 4
    back = {"resume": str(folder / "checkpoints" / "step-000002"), "steps": 5}
    back["score"] = values["score"] | {"every": 0}
    train(Recipe.parse(values | back, source="test"))
    assert not (folder / "best.safetensors").exists()
    assert _best_step(folder / "checkpoints" / "abandoned-1") == 4
    assert _scored_steps(folder) == [0, 1, 2]
    # The best of steps 1 and 2 is lost, so the next one is the best, and then what is better than that.
    scores(0.6, 0.55, 0.58)
    train(Recipe.parse(values | {"steps": 6}, source="test"))
    assert _best_step(folder) == 6
    train(Recipe.parse(values | {"steps": 7}, source="test"))
    assert _best_step(folder) == 7
    train(Recipe.parse(values | {"steps": 8}, source="test"))
    assert _best_step(folder) == 7
    assert sorted(path.name for path in (folder / "checkpoints").glob("abandoned*")) == ["abandoned-1"]


def test_scores_of_other_photos_do_not_keep_the_best_from_changing(
    tiny: RecipeMaker, photos: Path, scores: Callable[..., None], tmp_path: Path
) -> None:
    scores(9, 0.1, 0.5, 0.4, 0.7, 0.6)
    values = _scored(tiny, photos, steps=1)
    folder = train(Recipe.parse(values, source="test")).style.parent
    others = tmp_path / "others"
    others.mkdir()
    shutil.copy(photos / "b.jpg", others)
    for steps, changes, best in (
        (2, {"content": str(others)}, 2),
        (3, {"content": str(others)}, 3),
        (4, {"content": str(others), "select": "style"}, 4),
    ):
        values = values | {"steps": steps, "score": values["score"] | changes}
        train(Recipe.parse(values, source="test"))
        assert _best_step(folder) == best
