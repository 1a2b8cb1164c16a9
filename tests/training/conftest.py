"""A training small enough for a test: random VGG-16 weights, four photos, one painting."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from ganstyle.images import write_image
from ganstyle.models import VGG16Features
from ganstyle.recipe import Recipe, parse_recipe

RecipeMaker = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``vgg.safetensors``, ``photos/`` and ``painting.png``."""
    folder = tmp_path_factory.mktemp("world")
    random = torch.Generator().manual_seed(0)
    for index in range(4):
        write_image(torch.rand(3, 40, 48, generator=random), folder / "photos" / f"{index}.png")
    write_image(torch.rand(3, 48, 40, generator=random), folder / "painting.png")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = VGG16Features(["relu3_3"], state=None)
    indices = {
        "relu1_1": 0,
        "relu1_2": 2,
        "relu2_1": 5,
        "relu2_2": 7,
        "relu3_1": 10,
        "relu3_2": 12,
        "relu3_3": 14,
    }
    state = {
        f"features.{indices[layer]}.{kind}": getattr(conv, kind).detach().contiguous()
        for layer, conv in network.convs.items()
        for kind in ("weight", "bias")
    }
    save_file(state, folder / "vgg.safetensors")
    return folder


@pytest.fixture
def tiny(world: Path, tmp_path: Path) -> RecipeMaker:
    """Return a recipe's values; keywords replace or add top-level keys."""

    def make(**changes: Any) -> dict[str, Any]:
        values: dict[str, Any] = {
            "name": "tiny",
            "steps": 4,
            "batch_size": 2,
            "image_size": 32,
            "precision": "fp32",
            "workers": 0,
            "content": {"path": str(world / "photos")},
            "style": {"path": str(world / "painting.png"), "size": 32},
            "generator": {"name": "resnet", "width": 4, "blocks": 1, "kernel": 3},
            "discriminator": {"name": "patchgan", "width": 4, "layers": 1, "patch_size": 16},
            "loss": {"style": 5.0, "tv": 0.1},
            "run": {"dir": str(tmp_path / "runs"), "log_every": 1, "sample_every": 0, "save_every": 2},
            "vgg": str(world / "vgg.safetensors"),
        }
        return values | changes

    return make


@pytest.fixture
def tiny_recipe(tiny: RecipeMaker) -> Recipe:
    return parse_recipe(tiny(), source="test")
