from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from ganstyle.cli import app
from ganstyle.images import write_image
from ganstyle.video.transition import STEPS


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    write_image(torch.rand(3, 60, 800, generator=torch.Generator().manual_seed(0)), tmp_path / "photo.png")
    return tmp_path / "photo.png"


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["stylize", *map(str, arguments)])


def test_animate(photo: Path, tmp_path: Path) -> None:
    result = invoke(photo, "-s", "wave", "--animate", tmp_path / "out.gif")
    assert result.exit_code == 0, result.output
    assert f"({2 * STEPS} pictures)" in result.output
    with Image.open(tmp_path / "out.gif") as image:
        assert image.size == (640, 48)
        assert image.n_frames == 2 * STEPS  # type: ignore[attr-defined]


def test_animate_max_side(photo: Path, tmp_path: Path) -> None:
    result = invoke(photo, "-s", "wave", "--animate", tmp_path / "out.gif", "--max-side", 100)
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "out.gif") as image:
        assert image.size == (100, 8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-s", "wave", "-o", "out"], "--animate does not go with -o; leave"),
        (["--blend", "wave=1,udnie=1"], "--animate does not go with --blend"),
        (["-s", "wave", "--mask", "m.png", "--skip", "name"], "--mask and --skip"),
        (["-s", "wave", "--feather", "3", "--compile"], "does not go with --feather and --compile"),
        (["-s", "wave", "--quality", "95", "--tile", "off"], "does not go with --tile and --quality"),
        (["-s", "wave", "--keep-gps", "--no-metadata"], "does not go with --no-metadata and --keep-gps"),
        (["-s", "wave", "--alpha", "white"], "--animate does not go with --alpha"),
        (["-s", "wave", "--dry-run"], "--animate does not go with --dry-run"),
        ([], "--animate: no style is given"),
        (["-s", "nothing"], "neither a file nor a shipped style"),
        (["-s", "wave", "-s", "udnie"], "is a trained style"),
        (["-s", "wave", "--strength", "7"], "strength"),
    ],
)
def test_bad_input(photo: Path, tmp_path: Path, options: list[str], message: str) -> None:
    result = invoke(photo, *options, "--animate", tmp_path / "out.gif")
    assert result.exit_code == 2
    assert message in result.output
    assert not (tmp_path / "out.gif").exists()


def test_one_photo_only(photo: Path, tmp_path: Path) -> None:
    for photos in ([photo, photo], [tmp_path]):
        result = invoke(*photos, "-s", "wave", "--animate", tmp_path / "out.gif")
        assert result.exit_code == 2
        assert "give one photo" in result.output


def test_photo_is_never_replaced(photo: Path, tmp_path: Path) -> None:
    picture = tmp_path / "photo.gif"
    Image.open(photo).save(picture)
    before = picture.read_bytes()
    result = invoke(picture, "-s", "wave", "--animate", picture, "--force")
    assert result.exit_code == 2
    assert "is an input" in result.output
    assert picture.read_bytes() == before


def test_first_of_several_processes_writes(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert invoke(photo, "-s", "wave", "--animate", tmp_path / "out.gif").exit_code == 0
    assert not (tmp_path / "out.gif").exists()
    monkeypatch.setenv("RANK", "0")
    assert invoke(photo, "-s", "wave", "--animate", tmp_path / "out.gif", "--max-side", 64).exit_code == 0
    assert (tmp_path / "out.gif").exists()


def test_some_output_is_needed(photo: Path) -> None:
    result = invoke(photo, "-s", "wave")
    assert result.exit_code == 2
    assert "give -o FOLDER, or --animate FILE.gif" in result.output
