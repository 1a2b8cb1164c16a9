"""A distillation small enough for a test."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_SHARED = ("name", "steps", "batch_size", "precision", "workers", "content", "vgg")


@pytest.fixture
def tiny(tiny: Callable[..., dict[str, Any]], painting: Path) -> Callable[..., dict[str, Any]]:
    """Return a function that gives a distillation recipe's values; keywords replace or add top-level keys."""

    def make(**changes: Any) -> dict[str, Any]:
        training = tiny()
        return {
            **{key: training[key] for key in _SHARED},
            "image_size": 16,
            "style": {"path": str(painting)},
            "student": {"widths": [4, 64, 4, 128, 8, 256, 256], "ranks": [0, 0, 2, 0, 4, 4, 4]},
            "on_policy": {"pictures": 1, "pool": 3, "steps": 2},
            "score": {"every": 0},
            "run": {"dir": training["run"]["dir"], "log_every": 1, "save_every": 2},
            **changes,
        }

    return make
