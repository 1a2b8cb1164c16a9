"""A training in phases, and one that begins as another style."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ganstyle.errors import CheckpointError, WeightsError
from ganstyle.files import sha256
from ganstyle.recipe import Recipe
from ganstyle.style import load_style
from ganstyle.training import Event, Message, Progress, train
from ganstyle.training.patches import Crop, PatchView

RecipeMaker = Callable[..., dict[str, Any]]


@pytest.fixture
def other_vgg(vgg16_weights: Path, tmp_path: Path) -> Path:
    """The random VGG-16 with twice the weights in its first layer: another network."""
    state = load_file(vgg16_weights)
    path = tmp_path / "other.safetensors"
    save_file(state | {"features.0.weight": 2 * state["features.0.weight"]}, path)
    return path


def final(recipe: Recipe) -> dict[str, Any]:
    state = recipe.folder / "checkpoints" / f"step-{recipe.steps:06d}" / "state.pt"
    loaded: dict[str, Any] = torch.load(state, weights_only=True)
    return loaded


def assert_same(first: dict[str, Any], second: dict[str, Any]) -> None:
    for part in ("generator", "average", "discriminator"):
        assert all(torch.equal(value, second[part][key]) for key, value in first[part].items()), part


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # fork in a process with threads
def test_phases_resume_bit_exact_across_a_boundary(tiny: RecipeMaker, other_vgg: Path, workers: int) -> None:
    """The border at step 2 has states before it, at it and after it."""
    phases = [{"until": 0.5, "image_size": 16, "vgg": str(other_vgg)}, {"until": 1, "image_size": 32}]
    values = tiny(steps=4, phases=phases, workers=workers)
    values["run"] = values["run"] | {"keep": 9, "save_every": 1}
    recipe = Recipe.parse(values, source="test")
    train(recipe)
    whole = final(recipe)
    for resumed_at in (3, 2, 1):
        for step in range(resumed_at + 1, 5):
            shutil.rmtree(recipe.folder / "checkpoints" / f"step-{step:06d}")
        notes: list[Event] = []
        train(recipe, notes.append)
        assert any(f"at step {resumed_at}" in event.text for event in notes if isinstance(event, Message))
        assert_same(whole, final(recipe))


def test_each_phase_has_its_crops_and_its_network(
    tiny: RecipeMaker, other_vgg: Path, vgg16_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    random_crop = PatchView.random_crop

    def note(view: PatchView, image_size: int, seed: int, drawn: int) -> Crop:
        sizes.append(image_size)
        return random_crop(view, image_size, seed, drawn)

    monkeypatch.setattr(PatchView, "random_crop", note)
    phases = [{"until": 0.26, "image_size": 16, "vgg": str(other_vgg)}, {"until": 1, "image_size": 32}]
    events: list[Event] = []
    outcome = train(Recipe.parse(tiny(steps=4, phases=phases), source="test"), events.append)

    assert sizes == [16, 32, 32, 32]
    style = load_style(outcome.style)
    assert style.info["vgg"]["sha256"] == sha256(vgg16_weights)
    described = [
        (phase["end"], phase["image_size"], phase["vgg"]["sha256"]) for phase in style.info["phases"]
    ]
    assert described == [(1, 16, sha256(other_vgg)), (4, 32, sha256(vgg16_weights))]
    notes = [event.text for event in events if isinstance(event, Message)]
    assert [note for note in notes if note.startswith("up to")] == [
        "up to step 1: 16 px, VGG-16 (other)",
        "up to step 4: 32 px, VGG-16 (vgg16-random)",
    ]


def test_single_empty_phase_equals_no_phases(tiny: RecipeMaker) -> None:
    plain = Recipe.parse(tiny(name="plain"), source="test")
    phased = Recipe.parse(tiny(name="phased", phases=[{"until": 0.3}, {"until": 1}]), source="test")
    train(plain)
    train(phased)
    assert_same(final(plain), final(phased))
    assert "phases" not in load_style(plain.folder / "style.safetensors").info


def test_network_missing_in_the_last_phase_is_an_error(tiny: RecipeMaker) -> None:
    phases = [{"until": 0.5}, {"until": 1, "vgg": "nowhere.safetensors"}]
    recipe = Recipe.parse(tiny(phases=phases), source="test")
    with pytest.raises(WeightsError, match=r"nowhere\.safetensors"):
        train(recipe)
    assert not recipe.folder.exists()


def losses(recipe: Recipe) -> list[float]:
    events: list[Event] = []
    train(recipe, events.append)
    return [event.values["loss/generator"] for event in events if isinstance(event, Progress)]


def test_training_starts_from_another_style(tiny: RecipeMaker, tmp_path: Path) -> None:
    values = tiny(name="first", steps=30, discriminator=None, optimizer={"lr": 1e-2})
    first = Recipe.parse(values, source="test")
    cold = losses(first)
    start = tmp_path / "start.safetensors"
    shutil.copy(first.folder / "style.safetensors", start)

    second = Recipe.parse(values | {"name": "second", "steps": 4, "init": str(start)}, source="test")
    assert losses(second)[0] < 0.8 * cold[0]
    expected = {"name": "first", "sha256": sha256(start)}
    assert load_style(second.folder / "style.safetensors").info["init"] == expected

    # What the run began with is kept by the run, and not needed any more.
    start.unlink()
    shutil.rmtree(second.folder / "checkpoints" / "step-000004")
    train(second)
    assert load_style(second.folder / "style.safetensors").info["init"] == expected


def test_mismatched_start_style_is_one_line(tiny: RecipeMaker, make_style: Callable[..., Path]) -> None:
    recipe = Recipe.parse(tiny(init=str(make_style(generator={"name": "unet", "width": 4}))), source="test")
    with pytest.raises(CheckpointError, match="cannot be the start") as caught:
        train(recipe)
    assert "\n" not in str(caught.value)
    assert not recipe.folder.exists()
