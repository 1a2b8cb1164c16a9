import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from ganstyle import style as checkpoint
from ganstyle.cli import app
from ganstyle.losses import StyleTarget
from ganstyle.recipe import Recipe
from ganstyle.style import build_generator, save_style


def make(path: Path, painting: dict[str, str], info: dict[str, Any]) -> Path:
    recipe = Recipe.parse(
        {
            "name": path.stem,
            "style": {"path": "none.jpg", **painting},
            "generator": {"name": "resnet", "width": 4, "blocks": 1, "kernel": 3},
        },
        source="test",
    )
    save_style(path, build_generator(recipe), recipe, StyleTarget(({"relu1_2": torch.eye(2)},)), info)
    return path


@pytest.fixture
def night(tmp_path: Path) -> Path:
    return make(
        tmp_path / "styles" / "night.safetensors",
        {"title": "Nuit étoilée", "author": "V. v. G.", "year": "1889", "license": "public domain"},
        {
            "scores": {"content": 0.61234, "style": 0.0876, "protocol": {"photos": 20}},
            "vgg": {"sha256": "0" * 64},
        },
    )


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return make(tmp_path / "styles" / "plain.safetensors", {}, {})


def ship(monkeypatch: pytest.MonkeyPatch, *paths: Path) -> None:
    monkeypatch.setattr(checkpoint, "shipped_styles", lambda: {path.stem: path for path in paths})


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["styles", *map(str, arguments)])


def test_styles_lists_shipped_styles(monkeypatch: pytest.MonkeyPatch, night: Path, plain: Path) -> None:
    ship(monkeypatch, night, plain)
    result = invoke()
    assert result.exit_code == 0
    first, second = result.stdout.splitlines()
    assert first.startswith("night ")
    assert first.endswith("Nuit étoilée, V. v. G., 1889, public domain")
    assert f"{night.stat().st_size / 1e6:.1f} MB" in first
    assert "content 0.612  style 0.088" in first
    assert second.startswith("plain ")
    assert "content" not in second


def test_styles_without_shipped_styles(monkeypatch: pytest.MonkeyPatch) -> None:
    ship(monkeypatch)
    result = invoke()
    assert result.exit_code == 0
    assert "train one" in result.stdout


def test_styles_of_a_folder(monkeypatch: pytest.MonkeyPatch, night: Path, plain: Path) -> None:
    ship(monkeypatch, plain)
    result = invoke(night)
    assert result.exit_code == 0
    assert result.stdout.startswith("night ")
    assert len(result.stdout.splitlines()) == 1


def test_styles_shows_a_shipped_style(monkeypatch: pytest.MonkeyPatch, night: Path, plain: Path) -> None:
    ship(monkeypatch, night, plain)
    result = invoke("plain")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("plain ")
    assert len(result.stdout.splitlines()) == 1


def test_styles_json(night: Path, plain: Path, tmp_path: Path) -> None:
    report = tmp_path / "new" / "styles.json"
    assert invoke(night, plain, "--json", report).exit_code == 0
    first, second = json.loads(report.read_text(encoding="utf-8"))
    assert first["name"] == "night"
    assert first["path"] == str(night)
    assert first["bytes"] == night.stat().st_size
    assert first["sha256"] == sha256(night.read_bytes()).hexdigest()
    assert first["recipe"]["style"]["title"] == "Nuit étoilée"
    assert first["scores"] == {"content": 0.61234, "style": 0.0876, "protocol": {"photos": 20}}
    assert first["vgg"] == {"sha256": "0" * 64}
    assert second["name"] == "plain"


def test_styles_of_an_invalid_file(night: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.safetensors"
    half.write_bytes(night.read_bytes()[:1000])
    for path in (half, tmp_path / "missing.safetensors", tmp_path):
        report = tmp_path / "report.json"
        result = invoke(night, path, "--json", report)
        assert result.exit_code == 2
        (line,) = result.stderr.splitlines()
        assert line.startswith(f"ganstyle: {path}: ")
        assert not report.exists()


def test_styles_json_that_cannot_be_written(night: Path) -> None:
    result = invoke(night, "--json", "/dev/null/report.json")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "/dev/null/report.json" in line
