"""What the tests of several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor
from typer.testing import CliRunner

from ganstyle.cli import app
from ganstyle.images import write_image


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


QUICKSTART = Path(__file__).parents[2] / "recipes" / "quickstart.yaml"


class Trainer:
    """Runs ``ganstyle train`` in this process, on sizes that take a moment."""

    def __init__(self, runs: Path, photos: Path, painting: Path, weights: Path) -> None:
        self.runs = runs
        self.tiny = [
            f"content.path={photos}",
            f"style.path={painting}",
            f"vgg={weights}",
            f"run.dir={runs}",
            "style.size=32",
            "steps=2",
            "batch_size=1",
            "image_size=32",
            "workers=0",
            "score.every=0",
            "init=null",
            "phases=[]",
            "generator.width=4",
            "generator.blocks=1",
        ]
        self.tiny_gan = {
            "patchgan": ["discriminator.width=4", "discriminator.layers=1", "discriminator.patch_size=32"],
            "projected": ["discriminator.width=4", "discriminator.patch_size=56", "image_size=56"],
        }

    def __call__(self, *overrides: str, recipe: Path = QUICKSTART, debug: bool = False) -> Any:
        discriminator = yaml.safe_load(recipe.read_text(encoding="utf-8")).get("discriminator", {})
        tiny = list(self.tiny)
        if discriminator is not None:
            tiny += self.tiny_gan[discriminator.get("name", "patchgan")]
        return CliRunner().invoke(app, ["--debug"] * debug + ["train", str(recipe), *tiny, *overrides])

    def finished(self, *overrides: str, recipe: Path = QUICKSTART) -> list[str]:
        """Train without an error; return what was printed."""
        result = self(*overrides, recipe=recipe)
        assert result.exit_code == 0, result.output
        assert result.stderr == ""
        lines: list[str] = result.stdout.splitlines()
        return lines

    def refused(self, *overrides: str) -> str:
        """Fail with one line; return it."""
        result = self(*overrides)
        assert result.exit_code == 2, (result.output, result.exception)
        assert len(result.stderr.splitlines()) == 1
        assert "Traceback" not in result.output
        return str(result.stderr).removeprefix("ganstyle: ").rstrip("\n")

    def state(self, step: int) -> dict[str, dict[str, Tensor]]:
        """Return the saved training state after a step."""
        path = self.runs / "quickstart" / "checkpoints" / f"step-{step:06d}" / "state.pt"
        values: dict[str, dict[str, Tensor]] = torch.load(path, weights_only=True)
        return values


@pytest.fixture
def train(tmp_path: Path, photos: Path, painting: Path, vgg16_weights: Path) -> Trainer:
    return Trainer(tmp_path / "runs", photos, painting, vgg16_weights)
