"""A training small enough for a test."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganstyle.recipe import Recipe


@pytest.fixture
def tiny(vgg16_weights: Path, photos: Path, painting: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Return a function that gives a recipe's values; keywords replace or add top-level keys."""

    def make(**changes: Any) -> dict[str, Any]:
        values: dict[str, Any] = {
            "name": "tiny",
            "steps": 4,
            "batch_size": 2,
            "image_size": 32,
            "precision": "fp32",
            "workers": 0,
            "content": {"path": str(photos)},
            "style": {"path": str(painting), "size": 32},
            "generator": {"name": "resnet", "width": 4, "blocks": 1, "kernel": 3},
            "discriminator": {"name": "patchgan", "width": 4, "layers": 1, "patch_size": 16},
            "loss": {"style": 5.0, "tv": 0.1},
            "run": {"dir": str(tmp_path / "runs"), "log_every": 1, "sample_every": 0, "save_every": 2},
            "vgg": str(vgg16_weights),
        }
        return values | changes

    return make


@pytest.fixture
def tiny_recipe(tiny: Callable[..., dict[str, Any]]) -> Recipe:
    return Recipe.parse(tiny(), source="test")
