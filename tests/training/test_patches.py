"""What a discriminator is shown of paintings and pictures, and trainings that show it."""

import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ganstyle.errors import RecipeError
from ganstyle.models import VGG16Features
from ganstyle.recipe import Recipe
from ganstyle.training import Event, Progress, train
from ganstyle.training.patches import PatchView, detached, joined

RecipeMaker = Callable[..., dict[str, Any]]

LAYERS = ("relu1_2", "relu2_2", "relu3_3")
PROJECTED = {"name": "projected", "width": 4, "patch_size": 56}
AUGMENTED = {"augment": ["translation", "cutout"], "crop_scales": [0.5, 2.0]}


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def features() -> VGG16Features:
    torch.manual_seed(0)
    return VGG16Features(LAYERS, state=None)


def test_pixels_are_a_crop() -> None:
    view = PatchView((), 16)
    picture = torch.rand(2, 3, 32, 32)
    crop = view.random_crop(32, seed=1, drawn=8)
    assert crop == view.random_crop(32, seed=1, drawn=8)
    assert len({view.random_crop(32, seed=1, drawn=drawn) for drawn in range(50)}) > 30
    shown = view.of_pictures(picture, None, crop, rng())
    assert isinstance(shown, Tensor)
    assert torch.equal(shown, picture[..., crop.top : crop.top + 16, crop.left : crop.left + 16])
    patches = torch.rand(2, 3, 16, 16)
    assert view.of_paintings(patches, features(), rng()) is patches


def test_maps_are_those_of_the_same_pixels() -> None:
    """Inside the discriminator's margin, cut maps are the maps of the cut."""
    view, network = PatchView(LAYERS, 56), features()
    picture = torch.rand(1, 3, 96, 96)
    for drawn in range(20):
        crop = view.random_crop(96, seed=0, drawn=drawn)
        assert crop.top % 4 == crop.left % 4 == 0
        cut = view.of_pictures(picture, network(picture), crop, rng())
        alone = view.of_paintings(crop.of(picture), network, rng())
        assert not isinstance(cut, Tensor)
        assert not isinstance(alone, Tensor)
        for layer, stride in zip(LAYERS, (1, 2, 4), strict=True):
            assert cut[layer].shape == alone[layer].shape
            inside = slice(20 // stride, -(20 // stride))
            torch.testing.assert_close(cut[layer][..., inside, inside], alone[layer][..., inside, inside])


@pytest.mark.parametrize("layers", [(), LAYERS], ids=["pixels", "maps"])
def test_both_sides_are_augmented_and_gradients_flow(layers: tuple[str, ...]) -> None:
    view, network = PatchView(layers, 56, ("translation", "cutout")), features()
    picture = torch.rand(2, 3, 96, 96, requires_grad=True)
    crop = view.random_crop(96, seed=0, drawn=0)
    shown = view.of_pictures(picture, network(picture) if layers else None, crop, rng())
    plain = PatchView(layers, 56).of_pictures(picture, network(picture) if layers else None, crop, rng())
    real = view.of_paintings(crop.of(picture), network, rng())
    for other in (shown, real):
        first, second = (p if isinstance(p, Tensor) else p["relu3_3"] for p in (other, plain))
        assert not torch.equal(first, second)
    total = shown.sum() if isinstance(shown, Tensor) else shown["relu3_3"].sum()
    total.backward()  # type: ignore[no-untyped-call]
    assert picture.grad is not None
    assert picture.grad.abs().sum() > 0


def test_patches_detach_and_join() -> None:
    maps = {"a": torch.ones(1, 2, 4, 4, requires_grad=True), "b": torch.ones(1, 1, 2, 2)}
    cut = detached(maps)
    assert not isinstance(cut, Tensor)
    assert not cut["a"].requires_grad
    both = joined(maps, cut)
    assert not isinstance(both, Tensor)
    assert {name: len(each) for name, each in both.items()} == {"a": 2, "b": 2}
    pixels = joined(torch.zeros(1, 3, 2, 2), torch.ones(2, 3, 2, 2))
    assert isinstance(pixels, Tensor)
    assert pixels.mean((1, 2, 3)).tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    "discriminator",
    [
        PROJECTED,
        PROJECTED | AUGMENTED,
        {"name": "patchgan", "width": 4, "layers": 1, "scales": 3, "patch_size": 32} | AUGMENTED,
    ],
    ids=["projected", "projected-augmented", "patchgan-augmented"],
)
def test_patch_training_resume_bit_exact(tiny: RecipeMaker, discriminator: dict[str, Any]) -> None:
    values = tiny(
        name="whole", image_size=64, discriminator=discriminator, loss={"r1": 1.0, "r1_every": 2}, steps=3
    )
    whole = Recipe.parse(values, source="test")
    events: list[Event] = []
    train(whole, events.append)
    progress = [event for event in events if isinstance(event, Progress)]
    assert all(np.isfinite(list(event.values.values())).all() for event in progress)
    assert progress[0].values["loss/r1"] > 0
    assert progress[0].values["loss/adversarial"] != 0

    last = whole.folder / "checkpoints" / "step-000003"
    first = torch.load(last / "state.pt", weights_only=True)
    shutil.rmtree(last)
    train(whole)
    second = torch.load(last / "state.pt", weights_only=True)
    for part in ("generator", "discriminator"):
        assert all(torch.equal(value, second[part][key]) for key, value in first[part].items())


def test_projected_needs_no_style_layers_of_its_own(tiny: RecipeMaker) -> None:
    loss = {"style_layers": ["relu2_2"], "content_layers": ["relu2_2"]}
    recipe = Recipe.parse(tiny(image_size=64, discriminator=PROJECTED, loss=loss, steps=1), source="test")
    assert train(recipe).finished


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"augment": ["color"]}, "discriminator.augment.0"),
        ({"crop_scales": [2.0, 1.0]}, "crop_scales.: must rise"),
        ({"crop_scales": [0.0, 1.0]}, "discriminator.crop_scales.0"),
        ({"name": "projected", "patch_size": 48}, "smaller than the 56 that it needs"),
    ],
)
def test_bad_patch_keys_are_reported(tiny: RecipeMaker, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Recipe.parse(tiny(image_size=64, discriminator={"patch_size": 56} | changes), source="test")
