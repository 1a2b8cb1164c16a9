"""Files that version 0.1.0 wrote load and continue; ``tests/fixtures/0.1.0`` holds them."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from ganstyle.recipe import Recipe
from ganstyle.runs.state import check_state
from ganstyle.style import load_style
from ganstyle.training import Event, Message, train

FIXTURES = Path(__file__).parent / "fixtures" / "0.1.0"


@pytest.fixture
def old(
    tmp_path: Path, photos: Path, painting: Path, vgg16_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A working directory as a user of 0.1.0 left it: a recipe, a run that stopped at step 2, the data."""
    folder = tmp_path / "old"
    shutil.copytree(FIXTURES, folder)
    shutil.copytree(photos, folder / "photos")
    shutil.copy(painting, folder / "painting.png")
    shutil.copy(vgg16_weights, folder / "vgg16-random.safetensors")
    monkeypatch.chdir(folder)
    return folder


def test_style_of_0_1_0_paints_the_same(old: Path) -> None:
    style = load_style("style.safetensors")
    assert (style.name, style.recipe.style.title, style.recipe.style.license) == (
        "tiny",
        "A Painting",
        "public domain",
    )
    painted = style.generator(torch.linspace(0, 1, 3 * 8 * 10).view(1, 3, 8, 10))
    expected = json.loads(Path("expected.json").read_text())
    torch.testing.assert_close(painted.mean((0, 2, 3)), torch.tensor(expected["mean"]), atol=1e-4, rtol=0)
    torch.testing.assert_close(painted[0, :, 0, 0], torch.tensor(expected["corner"]), atol=1e-4, rtol=0)


def test_recipe_of_0_1_0_loads(old: Path) -> None:
    with pytest.warns(FutureWarning, match=r"^recipe.yaml: 'style.licence' is deprecated; write 'style.lic"):
        recipe = Recipe.load("recipe.yaml")
    assert recipe.style.license == "public domain"
    assert recipe.style.year == "1889"
    assert recipe.format == 1


@pytest.mark.filterwarnings("ignore:.*licence:FutureWarning")
def test_run_of_0_1_0_continues(old: Path) -> None:
    assert check_state(Path("runs/tiny/checkpoints/step-000002")) is None
    events: list[Event] = []
    outcome = train(Recipe.load("recipe.yaml"), events.append)
    notes = [event.text for event in events if isinstance(event, Message)]
    assert any("resumed from" in note and "at step 2" in note for note in notes)
    (new,) = [note for note in notes if "saved by an older ganstyle" in note]
    assert "loss.content_octaves=3, loss.style_octaves=4, " in new
    assert new.endswith("; these hold from here on")
    assert (outcome.step, outcome.finished) == (4, True)
    assert load_style(outcome.style).info["training"]["steps"] == 4


@pytest.mark.filterwarnings("ignore:.*licence:FutureWarning")
def test_state_of_0_1_0_continues_under_another_name(old: Path) -> None:
    overrides = ["name=second", "resume=runs/tiny/checkpoints/step-000002"]
    outcome = train(Recipe.load("recipe.yaml", overrides))
    assert (outcome.style, outcome.step) == (Path("runs/second/style.safetensors"), 4)
