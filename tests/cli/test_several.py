from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner

import ganstyle
from ganstyle.cli import app
from ganstyle.cli.several import read_blend
from ganstyle.errors import GanstyleError
from ganstyle.images import read_image, write_image


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    write_image(torch.rand(3, 40, 60, generator=torch.Generator().manual_seed(0)), path)
    return path


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """A folder with left.png, right.png, black.png and square.png."""
    folder = tmp_path / "masks"
    left = torch.zeros(3, 40, 60)
    left[..., :30] = 1
    for name, mask in (
        ("left", left),
        ("right", 1 - left),
        ("black", 0 * left),
        ("square", torch.ones(3, 40, 40)),
    ):
        write_image(mask, folder / f"{name}.png")
    return folder


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["stylize", *map(str, arguments)])


def assert_painted(path: Path, expected: Tensor) -> None:
    torch.testing.assert_close(read_image(path), expected, atol=0.51 / 255, rtol=0)


def test_blend(photo: Path, tmp_path: Path) -> None:
    result = invoke(photo, "--blend", "starry_night=0.6,wave=0.4", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    both = ganstyle.blend({"starry_night": 0.6, "wave": 0.4})
    assert_painted(tmp_path / "out" / "photo.png", both(read_image(photo)))


def test_regions(photo: Path, masks: Path, tmp_path: Path) -> None:
    pairs = {masks / "left.png": "starry_night", masks / "right.png": "wave"}
    options = [word for file, style in pairs.items() for word in ("--mask", f"{file}={style}")]
    result = invoke(photo, *options, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert_painted(tmp_path / "out" / "photo.png", ganstyle.regions(pairs)(read_image(photo)))


def test_regions_with_a_base_style_and_a_mask(photo: Path, masks: Path, tmp_path: Path) -> None:
    left, right = masks / "left.png", masks / "right.png"
    options = ("--mask", f"{left}=starry_night", "--feather", 0, "--mask", right, "--strength", 0.7)
    result = invoke(photo, *options, "-s", "wave", "-o", tmp_path / "out.png", "--tile", 64)
    assert result.exit_code == 0, result.output
    painter = ganstyle.regions({left: "starry_night"}, base="wave", feather=0)
    image = read_image(photo)
    expected = torch.lerp(image, painter(image, 0.7), read_image(right)[:, :1])
    assert_painted(tmp_path / "out.png", expected)


def test_mask_file_name_with_an_equals_sign(photo: Path, masks: Path, tmp_path: Path) -> None:
    odd = (masks / "left.png").rename(masks / "a=b.png")
    assert invoke(photo, "-s", "wave", "--mask", odd, "-o", tmp_path / "whole.png").exit_code == 0
    assert_painted(tmp_path / "whole.png", ganstyle.load_style("wave")(read_image(photo), mask=mask(odd)))
    assert invoke(photo, "--mask", f"{odd}=wave", "-o", tmp_path / "region.png").exit_code == 0
    assert_painted(tmp_path / "region.png", ganstyle.regions({odd: "wave"})(read_image(photo)))


def mask(path: Path) -> Tensor:
    return read_image(path)[:, :1]


def test_dry_run_of_regions(photo: Path, masks: Path, tmp_path: Path) -> None:
    result = invoke(photo, "--mask", f"{masks / 'left.png'}=wave", "-o", tmp_path / "out", "--dry-run")
    assert result.exit_code == 0, result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--mask", "{masks}/black.png=wave"], "black.png: is all black"),
        (["--mask", "{masks}/none.png=wave"], "none.png: no such file"),
        (["--mask", "{masks}/left.png=nothing"], "nothing: neither a file nor a shipped style"),
        (["--mask", "{masks}/left.png="], "write FILE, or FILE=STYLE"),
        (["--mask", "=wave"], "write FILE, or FILE=STYLE"),
        (
            ["--mask", "{masks}/left.png", "--mask", "{masks}/right.png", "-s", "wave"],
            "two masks of the whole",
        ),
        (["--mask", "{masks}/left.png"], "no style is given"),
        ([], "no style is given"),
        (["--mask", "{masks}/left.png=wave", "--feather", "-1"], "feather -1: give a percentage"),
        (["--mask", "{masks}/left.png=wave", "--feather", "nan"], "feather nan: give a percentage"),
        (["-s", "wave", "--feather", "3"], "--feather softens the edges of regions"),
        (["--blend", "wave=1", "-s", "udnie"], "--blend names its styles itself"),
        (["--blend", "wave=1", "--mix", "1"], "--blend names its styles itself"),
        (["--blend", "nothing=1,wave=1"], "nothing: neither a file nor a shipped style"),
        (["--blend", "wave=0,udnie=1"], "weight 0 of wave: give a number above 0"),
        (["--blend", "wave=-1,udnie=1"], "weight -1 of wave"),
        (["--blend", "wave=nan"], "weight nan of wave"),
        (["--blend", "wave=1,wave=2"], "names wave twice"),
        (["--blend", "wave"], "write NAME=WEIGHT,NAME=WEIGHT"),
        (["--blend", ""], "no style is given"),
        (["--mask", "{masks}/left.png=wave", "--mix", "1,2"], "--mix 1,2: 2 shares for 0 paintings"),
    ],
    ids=str,
)
def test_bad_blend_or_regions_input_is_one_line(
    arguments: list[str], problem: str, photo: Path, masks: Path, tmp_path: Path
) -> None:
    given = [argument.format(masks=masks) for argument in arguments]
    result = invoke(photo, *given, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert problem in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_mask_of_other_proportions_fails_only_that_photo(photo: Path, masks: Path, tmp_path: Path) -> None:
    square = masks / "square.png"
    result = invoke(photo, "--mask", f"{square}=wave", "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stderr == (
        f"{photo}: {square}: the mask has 40x40 pixels and the photo 60x40; "
        "give a mask with the photo's aspect ratio\n"
    )


def test_region_mask_is_never_overwritten(photo: Path, masks: Path, tmp_path: Path) -> None:
    left = masks / "left.png"
    before = left.read_bytes()
    result = invoke(photo, "--mask", f"{left}=wave", "-o", left, "--force")
    assert result.exit_code == 2
    assert "is an input, which is never replaced" in result.stderr
    assert left.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1", [("a", 1)]),
        ("a=.5, b=2e-1", [("a", 0.5), ("b", 0.2)]),
        ("x,y.safetensors=1,b=2", [("x,y.safetensors", 1), ("b", 2)]),
        ("dir=1/x.safetensors=3", [("dir=1/x.safetensors", 3)]),
    ],
)
def test_read_blend(text: str, expected: list[tuple[str, float]]) -> None:
    assert read_blend(text) == expected


@pytest.mark.parametrize("text", ["a=1,", "a=,b=1", "=1", "a=1,b", "a=x"])
def test_read_blend_of_another_form(text: str) -> None:
    with pytest.raises(GanstyleError, match=r"^--blend .*: write NAME=WEIGHT"):
        read_blend(text)
