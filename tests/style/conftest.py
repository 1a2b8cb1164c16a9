"""What the tests of style files share: a small style, and ways to look at its file and to damage it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ganstyle.errors import CheckpointError
from ganstyle.losses import StyleTarget
from ganstyle.recipe import Recipe
from ganstyle.style import build_generator, load_style, save_style

Make = Callable[..., tuple[nn.Module, Recipe, StyleTarget]]

GENERATORS: dict[str, dict[str, Any]] = {
    "resnet": {"name": "resnet", "width": 4, "blocks": 1, "kernel": 3},
    "unet": {"name": "unet", "width": 4, "depth": 2, "blocks": 1},
    "lean": {"name": "lean", "width": 4, "blocks": 1, "kernel": 3},
    "coarse": {"name": "lean", "width": 4, "blocks": 1, "kernel": 3, "coarse": 1, "coarse_width": 8},
}


@pytest.fixture
def info() -> dict[str, Any]:
    """What a style file says about its training."""
    return {
        "vgg": {"name": "VGG-16", "sha256": "88682ab5" * 8},
        "training": {"steps": 3, "seconds": 0.5, "hardware": "1 x CPU (1 thread)"},
        "scores": {"content": 0.25, "style": 1e-3, "protocol": {"photos": 2}},
    }


@pytest.fixture
def make() -> Make:
    """Return a function that makes what a style file holds, for one of the generators above."""

    def build(name: str = "resnet") -> tuple[nn.Module, Recipe, StyleTarget]:
        recipe = Recipe.parse(
            {
                "name": "tiny",
                "style": {"path": "a.jpg", "title": "Ночь", "author": "N. N.", "year": "1889"},
                "generator": GENERATORS[name],
                "loss": {"style_layers": ["relu1_1", "relu1_2"], "content_layers": ["relu1_2"]},
            },
            source="test",
        )
        torch.manual_seed(0)
        grams = ({"relu1_1": torch.rand(4, 4), "relu1_2": torch.rand(5, 5)} for _ in range(2))
        target = StyleTarget(tuple(grams))
        return build_generator(recipe).train(), recipe, target

    return build


@pytest.fixture
def saved(tmp_path: Path, make: Make, info: dict[str, Any]) -> Path:
    """A style file."""
    path = tmp_path / "saved" / "tiny.safetensors"
    save_style(path, *make(), info)
    return path


def read_metadata(path: Path) -> dict[str, str]:
    with safe_open(path, framework="pt") as file:
        return dict(file.metadata())


@pytest.fixture
def metadata() -> Callable[[Path], dict[str, str]]:
    """Return a function that reads a file's metadata."""
    return read_metadata


@pytest.fixture
def broken() -> Callable[[str | Path], str]:
    """Return a function that returns the message of the error that a style is."""

    def load(path: str | Path) -> str:
        with pytest.raises(CheckpointError) as caught:
            load_style(path)
        message = str(caught.value)
        assert "\n" not in message
        assert message.startswith(str(path))
        return message

    return load


@pytest.fixture
def rewrite() -> Callable[..., Path]:
    """Return a function that writes a style once more, with other tensors or other metadata."""

    def write(path: Path, tensors: Mapping[str, Tensor] | None = None, /, **changes: str | None) -> Path:
        changed = {k: v for k, v in {**read_metadata(path), **changes}.items() if v is not None}
        save_file(dict(load_file(path) if tensors is None else tensors), path, changed)
        return path

    return write
