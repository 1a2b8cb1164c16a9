"""A distillation small enough for a test."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def tiny(vgg16_weights: Path, photos: Path, painting: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Return a function that gives a recipe's values; keywords replace or add top-level keys."""

    def make(**changes: Any) -> dict[str, Any]:
        values: dict[str, Any] = {
            "name": "tiny",
            "steps": 4,
            "batch_size": 2,
            "image_size": 16,
            "precision": "fp32",
            "workers": 0,
            "content": {"path": str(photos)},
            "style": {"path": str(painting)},
            "student": {"widths": [4, 64, 4, 128, 8, 256, 256], "ranks": [0, 0, 2, 0, 4, 4, 4]},
            "on_policy": {"pictures": 1, "pool": 3, "steps": 2},
            "score": {"every": 0},
            "run": {"dir": str(tmp_path / "runs"), "log_every": 1, "save_every": 2},
            "vgg": str(vgg16_weights),
        }
        return values | changes

    return make
