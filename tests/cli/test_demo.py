import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from typer.testing import CliRunner

from ganstyle import style as checkpoint
from ganstyle.cli import app
from ganstyle.cli.demo import demo
from ganstyle.errors import CheckpointError
from ganstyle.images import check_image, read_image
from ganstyle.losses import StyleTarget
from ganstyle.recipe import Recipe
from ganstyle.style import Style

PHOTO = Path(checkpoint.__file__).parent / "assets" / "astronaut.jpg"


class Invert(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 1 - x


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ship(monkeypatch, {"abstract": Path("a"), "starry_night": Path("s")})


def ship(monkeypatch: pytest.MonkeyPatch, styles: Mapping[str, Path]) -> None:
    def load(name: str) -> Style:
        if name not in styles:
            raise CheckpointError(f"{name}: neither a file nor a shipped style")
        recipe = Recipe.parse({"name": name, "style": {"path": "none.jpg", "size": 512}}, source="test")
        return Style(name, Invert(), recipe, StyleTarget(({},)))

    monkeypatch.setattr(checkpoint, "load_style", load)
    monkeypatch.setattr(checkpoint, "shipped_styles", lambda: dict(styles))


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["demo", *map(str, arguments)])


def test_demo_photo_is_shipped_with_its_license() -> None:
    assert check_image(PHOTO) == (512, 512)
    assert PHOTO.stat().st_size < 150_000
    text = (PHOTO.parent / "README.md").read_text()
    assert PHOTO.name in text
    assert "Public domain" in text


def test_demo_writes_result_and_side_by_side(tmp_path: Path) -> None:
    result = invoke("--device", "cpu")
    assert result.exit_code == 0, result.output
    first, second = result.stdout.splitlines()
    assert "starry_night -> ganstyle-demo.png" in first
    assert second.endswith("-> ganstyle-demo-side-by-side.png")
    names = ["ganstyle-demo-side-by-side.png", "ganstyle-demo.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    photo = read_image(PHOTO)
    both = read_image(tmp_path / names[0])
    torch.testing.assert_close(read_image(tmp_path / names[1]), 1 - photo)
    torch.testing.assert_close(both[..., 2:514, 2:514], photo)
    torch.testing.assert_close(both[..., 2:514, 516:1028], 1 - photo)


def test_demo_replaces_only_its_own_results(tmp_path: Path) -> None:
    assert invoke().exit_code == 0
    assert invoke("-s", "abstract").exit_code == 0
    assert invoke("-o", "sub/mine.jpg").exit_code == 0
    assert invoke("-o", "sub").exit_code == 0
    names = sorted(path.name for path in (tmp_path / "sub").iterdir())
    assert names == [
        "ganstyle-demo-side-by-side.png",
        "ganstyle-demo.png",
        "mine-side-by-side.jpg",
        "mine.jpg",
    ]
    for name in ("other.png", "other-side-by-side.png"):
        path = tmp_path / name
        Image.new("RGB", (512, 512)).save(path)
        before = path.read_bytes()
        result = invoke("-o", "other.png")
        assert result.exit_code == 2
        assert len(result.stderr.splitlines()) == 1
        assert f"{name}: exists and was not written by a demo" in result.stderr
        assert path.read_bytes() == before
        path.unlink()


def test_demo_default_style_is_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    ship(monkeypatch, {"abstract": Path("a")})
    assert "style abstract" in invoke().stdout
    ship(monkeypatch, {})
    result = invoke()
    assert result.exit_code == 2
    assert "starry_night: neither" in result.stderr


def test_demo_bad_usage_is_one_line(tmp_path: Path) -> None:
    for arguments in (("-o", "out.gif"), ("-s", "missing"), ("--device", "abacus")):
        result = invoke(*arguments)
        assert result.exit_code == 2
        assert len(result.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_demo_command_is_registered() -> None:
    callbacks = [command.callback for command in app.registered_commands if command.callback]
    assert demo in map(inspect.unwrap, callbacks)
