"""A run is not continued with another feature network or painting than it was trained with."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ganstyle.errors import DataError, RunError
from ganstyle.files import fingerprint, sha256
from ganstyle.images import write_image
from ganstyle.recipe import Recipe
from ganstyle.runs.inputs import TrainingInputs
from ganstyle.training import train
from ganstyle.weights import WeightsFile

RecipeMaker = Callable[..., dict[str, Any]]


def network(name: str, digit: str) -> WeightsFile:
    return WeightsFile(name, Path(name), digit * 64, "as the recipe says")


def test_networks_are_compared_by_content() -> None:
    one, other = network("VGG-16", "a"), network("distilled", "b")
    saved = TrainingInputs([one, other, one]).state_dict()
    assert len(saved["networks"]) == 2
    assert TrainingInputs([other, network("renamed", "a")]).difference(saved) is None
    said = TrainingInputs([other]).difference(saved)
    assert said is not None
    assert "VGG-16 (SHA-256 aaaaaaaa…) and distilled (SHA-256 bbbbbbbb…), and now there is distilled" in said
    assert TrainingInputs([other]).difference(TrainingInputs().state_dict()) is None  # unknown


def test_paintings_are_compared_by_content(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "abc"]
    for path, text in zip(paths, ("one", "two", "one"), strict=True):
        path.write_text(text)
    saved = TrainingInputs([], paths[:2]).state_dict()
    assert TrainingInputs([], [paths[2], paths[1]]).difference(saved) is None
    assert "another painting" in str(TrainingInputs([], paths[1:]).difference(saved))
    with pytest.raises(DataError, match="cannot be read"):
        fingerprint([tmp_path / "none"])


def _trained(values: dict[str, Any]) -> Path:
    recipe = Recipe.parse(values, source="test")
    train(recipe)
    return recipe.folder / "checkpoints" / f"step-{recipe.steps:06d}"


@pytest.fixture
def values(tiny: RecipeMaker, vgg16_weights: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("GANSTYLE_VGG16", str(vgg16_weights))
    return tiny(steps=2, vgg="auto")


@pytest.mark.filterwarnings("ignore:.*distilled")
def test_run_is_not_continued_with_another_network(
    run_training: Any, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = _trained(values)
    monkeypatch.delenv("GANSTYLE_VGG16")
    with pytest.raises(RunError, match=r"was trained with .* and now there is VGG-16 distilled") as caught:
        train(Recipe.parse(values | {"steps": 4}, source="test"))
    assert str(state) in str(caught.value)
    assert "\n" not in str(caught.value)
    elsewhere = Recipe.parse(values | {"name": "second", "steps": 4, "resume": str(state)}, source="test")
    notes, outcome = run_training(elsewhere)
    assert outcome.step == 4
    assert any("was trained with" in note and "do not compare" in note for note in notes)
    longer = elsewhere.model_copy(update={"steps": 6})
    assert not any("was trained with" in note for note in run_training(longer)[0])


def test_run_is_not_continued_on_another_painting(values: dict[str, Any], tmp_path: Path) -> None:
    painting = tmp_path / "mine.png"
    write_image(torch.rand(1, 3, 40, 40), painting)
    values["style"] = values["style"] | {"path": str(painting)}
    _trained(values)
    assert _trained(values | {"steps": 3}).is_dir()
    write_image(torch.rand(1, 3, 40, 40), painting)
    with pytest.raises(RunError, match=r"trained on another painting than .*mine\.png"):
        train(Recipe.parse(values | {"steps": 4}, source="test"))


def test_state_that_does_not_say_is_continued(values: dict[str, Any]) -> None:
    state = _trained(values)
    saved = torch.load(state / "state.pt", weights_only=True)
    del saved["inputs"]
    torch.save(saved, state / "state.pt")
    manifest = json.loads((state / "manifest.json").read_text())
    manifest["sha256"]["state.pt"] = sha256(state / "state.pt")
    (state / "manifest.json").write_text(json.dumps(manifest))
    assert _trained(values | {"steps": 3}).is_dir()
