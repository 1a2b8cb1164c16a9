"""What the tests of several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from ganstyle.cli import app
from ganstyle.images import write_image
from ganstyle.losses import StyleTarget
from ganstyle.recipe import Recipe
from ganstyle.style import build_generator, save_style


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A style with fresh weights, the smallest that paints."""
    path = tmp_path_factory.mktemp("style") / "tiny.safetensors"
    values = {
        "name": "tiny",
        "style": {"path": "none.jpg"},
        "generator": {"name": "resnet", "width": 4, "blocks": 1, "kernel": 3},
    }
    recipe = Recipe.parse(values, source="test")
    torch.manual_seed(0)
    save_style(path, build_generator(recipe), recipe, StyleTarget(({"relu1_2": torch.eye(2)[None]},)), {})
    return path


@pytest.fixture
def random_vgg16(vgg16_weights: Path, monkeypatch: pytest.MonkeyPatch, _isolated: None) -> None:
    """Let ``--vgg auto`` find random weights."""
    monkeypatch.setenv("GANSTYLE_VGG16", str(vgg16_weights))


@pytest.fixture
def photo(photos: Path) -> Path:
    return photos / "a.png"


@pytest.fixture
def run_optimize(random_vgg16: None) -> Callable[..., Any]:
    """Return a function that runs ``ganstyle optimize`` with its arguments."""
    return lambda *arguments: CliRunner().invoke(app, ["optimize", *map(str, arguments)])


@pytest.fixture
def write_mask(tmp_path: Path) -> Callable[[str, int, int, tuple[float, float]], Path]:
    """Return a function that writes a mask of two halves, each of one level of gray."""

    def write(name: str, height: int, width: int, levels: tuple[float, float]) -> Path:
        image = torch.full((3, height, width), levels[0])
        image[..., width // 2 :] = levels[1]
        write_image(image, tmp_path / name)
        return tmp_path / name

    return write
