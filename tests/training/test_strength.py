"""A generator that is trained for every strength."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from ganstyle.images import read_image, resize_shorter
from ganstyle.metrics import YARDSTICK_LAYERS, Yardstick
from ganstyle.models import VGG16Features, takes_strength
from ganstyle.recipe import Recipe
from ganstyle.style import load_style
from ganstyle.training import train
from ganstyle.training.steps import sample_weight_for

RecipeMaker = Callable[..., dict[str, Any]]
GENERATOR = {"name": "resnet", "width": 4, "blocks": 1, "kernel": 3, "strength": True}


def test_style_weight_grows_with_strength() -> None:
    assert sample_weight_for(torch.tensor([0.0, 0.5, 1.0, 1.5])).tolist() == [0, 0.25, 1, 2.25]


@pytest.mark.parametrize("lr_muon", [0.0, 0.02])
def test_strength_resume_bit_exact(tiny: RecipeMaker, lr_muon: float) -> None:
    def weights(recipe: Recipe) -> dict[str, Any]:
        state = recipe.folder / "checkpoints" / "step-000006" / "state.pt"
        loaded: dict[str, Any] = torch.load(state, weights_only=True)
        return {**loaded["generator"], **{f"d.{k}": v for k, v in loaded["discriminator"].items()}}

    recipe = Recipe.parse(tiny(steps=6, generator=GENERATOR, optimizer={"lr_muon": lr_muon}), source="test")
    train(recipe)
    whole = weights(recipe)
    shutil.rmtree(recipe.folder / "checkpoints" / "step-000006")
    train(recipe)
    resumed = weights(recipe)
    assert all(torch.equal(value, resumed[key]) for key, value in whole.items())
    slopes = [value for key, value in whole.items() if key.endswith("_slope")]
    assert all(slope.abs().max() > 0 for slope in slopes)


@pytest.mark.parametrize(("later", "learned"), [(False, False), (True, True)])
def test_phase_without_strengths(tiny: RecipeMaker, later: bool, learned: bool) -> None:
    phases = [{"until": 0.5, "strengths": False}, {"until": 1, "strengths": later}]
    recipe = Recipe.parse(tiny(steps=4, generator=GENERATOR, phases=phases), source="test")
    state = load_style(train(recipe).style).generator.state_dict()
    slopes = [value for key, value in state.items() if key.endswith("_slope")]
    assert slopes
    assert all(bool(slope.abs().max() > 0) is learned for slope in slopes)


def test_style_file_keeps_learned_strength(tiny: RecipeMaker) -> None:
    style = load_style(train(Recipe.parse(tiny(steps=2, generator=GENERATOR), source="test")).style)
    assert takes_strength(style.generator)
    image = torch.rand(1, 3, 21, 34)
    assert torch.equal(style.generator(image, 0.0), image)
    assert not torch.equal(style.generator(image, 0.6), style.generator(image))


@pytest.mark.slow
def test_stronger_images_differ_more_from_the_photo(
    tiny: RecipeMaker, photos: Path, painting: Path, vgg16_weights: Path
) -> None:
    """After a short training for real: away from the photo, step by step, and toward the painting."""
    values = tiny(
        steps=400,
        generator=GENERATOR,
        discriminator=None,
        loss={"style": 5.0, "content_octaves": 1, "style_octaves": 1},
    )
    values |= {"optimizer": {"lr": 5e-3}, "ema": 0.98}
    values["run"] = values["run"] | {"save_every": 0}
    generator = load_style(train(Recipe.parse(values, source="test")).style).generator

    features = VGG16Features(YARDSTICK_LAYERS, state=load_file(vgg16_weights), padding="replicate")
    yardstick = Yardstick.of_paintings(features, [read_image(painting)], size=32)
    photo = resize_shorter(read_image(photos / "a.png"), 32)
    strengths = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
    measured = [yardstick.measure(generator(photo, strength), photo) for strength in strengths]
    content = [distance.content.item() for distance in measured]
    style = [distance.style.item() for distance in measured]
    assert content[0] == 0
    assert content == sorted(content)
    assert content[5] > 1.3 * content[2]
    assert style[5] < style[2] < style[1] < style[0]
