"""A training for any painting that is small enough for a test."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ganstyle.arbitrary import AnyRecipe
from ganstyle.images import write_image

ReadState = Callable[[AnyRecipe, int], dict[str, Any]]

_SHARED = ("name", "steps", "batch_size", "precision", "workers", "content")


@pytest.fixture(scope="session")
def paintings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of four small paintings, each of its own color."""
    folder = tmp_path_factory.mktemp("paintings")
    torch.manual_seed(1)
    for name in ("hals_one", "hals_two", "klee_one", "klee_two"):
        color = torch.rand(1, 3, 1, 1)
        write_image((color + 0.3 * torch.rand(1, 3, 40, 52)).clamp(0, 1), folder / f"{name}.png")
    return folder


@pytest.fixture
def tiny(tiny: Callable[..., dict[str, Any]], paintings: Path) -> Callable[..., dict[str, Any]]:
    """Return a function that gives a recipe's values; keywords replace or add top-level keys."""

    def make(**changes: Any) -> dict[str, Any]:
        training = tiny()
        return {
            **{key: training[key] for key in _SHARED},
            "image_size": 24,
            "style": {"path": str(paintings), "held_out": ["klee_two"], "size": 24},
            "generator": {"width": 4, "blocks": 1, "code": 8, "projections": 2},
            "loss": {"content_octaves": 1, "style_octaves": 2},
            "score": {"every": 0},
            "run": training["run"] | {"samples": 2},
            "vgg": "distilled",
            **changes,
        }

    return make


@pytest.fixture
def read_state() -> ReadState:
    """Return a function that reads the training state that a run saved after a step."""

    def read(recipe: AnyRecipe, step: int) -> dict[str, Any]:
        path = recipe.folder / "checkpoints" / f"step-{step:06d}" / "state.pt"
        values: dict[str, Any] = torch.load(path, weights_only=True)
        return values

    return read


@pytest.fixture
def assert_same_state(read_state: ReadState) -> Callable[..., None]:
    """Return a function that compares parts of two runs' states after a step, bit by bit."""

    def check(one: AnyRecipe, two: AnyRecipe, step: int, *parts: str) -> None:
        first, second = read_state(one, step), read_state(two, step)
        for part in parts:
            assert first[part].keys() == second[part].keys()
            for name, value in first[part].items():
                assert torch.equal(torch.as_tensor(value), torch.as_tensor(second[part][name])), name

    return check
