"""Styles from paintings that nothing was trained on."""

import re
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

import ganstyle
from ganstyle.anystyle import load_any
from ganstyle.errors import CheckpointError, GanstyleError, ImageError
from ganstyle.images import read_image, write_image
from ganstyle.style import load_style
from tests.reflected import paint_reflected


@pytest.fixture(autouse=True)
def _use(any_painting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANSTYLE_ANY", str(any_painting))


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another painting."""
    path = tmp_path / "Other painting (1).png"
    write_image(torch.rand(1, 3, 60, 50) * torch.tensor([1.0, 0.2, 0.1]).view(1, 3, 1, 1), path)
    return path


PHOTO = torch.rand(1, 3, 40, 52, generator=torch.Generator().manual_seed(3))


def test_style_from_a_painting_is_a_style_like_any_other(painting: Path, other: Path) -> None:
    style = ganstyle.style_from(painting)
    assert style.name == "painting"
    assert ganstyle.style_from(other).name == "Other_painting_1"
    picture = style(PHOTO)
    assert picture.shape == PHOTO.shape
    assert not torch.allclose(picture, ganstyle.style_from(other)(PHOTO), atol=0.02)
    assert torch.equal(load_style(painting)(PHOTO), picture)
    assert torch.equal(load_style(str(painting))(PHOTO), picture)
    assert torch.equal(style(PHOTO, strength=0), PHOTO)
    half, full = style(PHOTO, strength=0.6), style(PHOTO, strength=1.0)
    assert not torch.allclose(half, full, atol=1e-3)
    mask = torch.zeros(1, 1, 40, 52)
    assert torch.equal(style(PHOTO, mask=mask), PHOTO)
    assert style(PHOTO, preserve_color=True, stroke_size=2.0, strength=1.5).shape == PHOTO.shape
    assert isinstance(style(Image.new("RGB", (30, 20))), Image.Image)


def test_style_from_paints_as_the_generator_does(painting: Path, any_painting: Path) -> None:
    painter = load_any(any_painting)
    code = painter.encode(painter.view(read_image(painting)))
    expected = paint_reflected(painter.generator, PHOTO, code)
    style = ganstyle.style_from(painting, generator=any_painting, refine=0)
    torch.testing.assert_close(style(PHOTO), expected)


def test_style_from_pillow_and_tensors(painting: Path) -> None:
    with Image.open(painting) as image:
        one = ganstyle.style_from(image)
    two = ganstyle.style_from(read_image(painting))
    assert one.name == two.name == "painting"
    torch.testing.assert_close(one(PHOTO), two(PHOTO))
    with pytest.raises(ValueError, match=r"shape \(1, 3, H, W\)"):
        ganstyle.style_from(torch.rand(3, 8, 8))


def test_style_from_can_be_saved_whole(painting: Path, tmp_path: Path) -> None:
    style = ganstyle.style_from(painting)
    style.save(tmp_path / "mine.safetensors")
    again = load_style(tmp_path / "mine.safetensors")
    assert torch.equal(again(PHOTO), style(PHOTO))
    assert torch.equal(again(PHOTO, strength=0.7), style(PHOTO, strength=0.7))
    assert again.recipe.style.path == str(painting)
    assert again.info["any"]["paintings"] == [str(painting)]
    assert len(again.target.octaves) > 1


def test_mixing_interpolates_codes(painting: Path, other: Path) -> None:
    one, two = ganstyle.style_from(painting), ganstyle.style_from(other)
    mixed = ganstyle.style_from(painting, other, mix=[2, 1])
    assert one.code and two.code and mixed.code  # noqa: PT018
    torch.testing.assert_close(mixed.code.values, torch.lerp(one.code.values, two.code.values, 1 / 3))
    assert mixed.name == "painting-Other_painting_1"
    torch.testing.assert_close(ganstyle.style_from(painting, other, mix=[1, 0])(PHOTO), one(PHOTO))
    torch.testing.assert_close(ganstyle.style_from(painting, painting)(PHOTO), one(PHOTO))
    first = mixed.target.grams["relu1_2"]
    expected = (2 * one.target.grams["relu1_2"] + two.target.grams["relu1_2"]) / 3
    torch.testing.assert_close(first, expected)


@pytest.mark.parametrize(
    "mix", [[1], [1, 2, 3], [0, 0], [-1, 2], [float("nan"), 1], [float("inf"), 1], [1e308, 1e308]]
)
def test_invalid_mixes_are_refused(painting: Path, other: Path, mix: list[float]) -> None:
    with pytest.raises(GanstyleError, match="mix: "):
        ganstyle.style_from(painting, other, mix=mix)


def test_code_file_is_small_with_equal_output(painting: Path, other: Path, tmp_path: Path) -> None:
    style = ganstyle.style_from(painting)
    path = tmp_path / "code.safetensors"
    style.save_code(path)
    assert path.stat().st_size < 5000
    again = ganstyle.load_style(path)
    assert again.name == "painting"
    assert torch.equal(again(PHOTO), style(PHOTO))
    mixed = ganstyle.style_from(path, other)
    torch.testing.assert_close(mixed(PHOTO), ganstyle.style_from(painting, other)(PHOTO))
    mixed.save_code(path)
    torch.testing.assert_close(ganstyle.style_from(path)(PHOTO), mixed(PHOTO))


def test_code_of_another_generator(
    painting: Path, any_painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, other = tmp_path / "code.safetensors", tmp_path / "other.safetensors"
    ganstyle.style_from(painting).save_code(code)
    other.write_bytes(any_painting.read_bytes().replace(b'"0.1.0"', b'"0.1.1"', 1))
    monkeypatch.setenv("GANSTYLE_ANY", str(other))
    if other.read_bytes() == any_painting.read_bytes():
        pytest.skip("the file does not name the version")
    with pytest.raises(CheckpointError, match="is a code for another generator than"):
        ganstyle.style_from(code)


def test_damaged_code(painting: Path, tmp_path: Path) -> None:
    code = tmp_path / "code.safetensors"
    ganstyle.style_from(painting).save_code(code)
    code.write_bytes(code.read_bytes()[:-8])
    with pytest.raises(CheckpointError, match=r"code\.safetensors: not a readable"):
        ganstyle.load_style(code)


def test_trained_style_has_no_code(make_style: object, tmp_path: Path) -> None:
    style = load_style(make_style())  # type: ignore[operator]
    with pytest.raises(CheckpointError, match="was trained and has no code"):
        style.save_code(tmp_path / "code.safetensors")


def flat(height: int, width: int, value: float = 0.5) -> Tensor:
    return torch.full((1, 3, height, width), value)


@pytest.mark.parametrize(
    "image",
    [flat(1, 1), flat(2, 900), flat(64, 64, 0.0), flat(64, 64, 1.0), torch.rand(1, 3, 4000, 40)],
    ids=["one pixel", "a line", "black", "white", "a scroll"],
)
def test_unusual_paintings_give_finite_results(image: Tensor, tmp_path: Path) -> None:
    path = tmp_path / "odd.png"
    write_image(image, path)
    picture = ganstyle.style_from(path)(PHOTO)
    assert torch.isfinite(picture).all()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (flat(40, 50) * 255, "must be in [0, 1], not from 127.5 to 127.5"),
        ((flat(40, 50) * 255).to(torch.uint8), "got (1, 3, 40, 50) torch.uint8"),
        (flat(40, 50, float("nan")), "must be in [0, 1], not from nan to nan"),
        (flat(40, 50)[0], "got (3, 40, 50) torch.float32"),
    ],
)
def test_tensor_of_another_range_or_shape_is_no_painting(image: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        ganstyle.style_from(image)


def test_transparent_painting(tmp_path: Path) -> None:
    path = tmp_path / "clear.png"
    Image.new("RGBA", (30, 30), (255, 0, 0, 0)).save(path)
    assert torch.isfinite(ganstyle.style_from(path)(PHOTO)).all()


def test_bad_paintings(painting: Path, tmp_path: Path, make_style: object) -> None:
    damaged, text = tmp_path / "damaged.jpg", tmp_path / "notes.txt"
    damaged.write_bytes(painting.read_bytes()[:60])
    text.write_text("no painting")
    trained = make_style()  # type: ignore[operator]
    for bad, message in (
        (tmp_path / "missing.jpg", "missing.jpg"),
        (damaged, "damaged.jpg"),
        (tmp_path, "is a folder; give the file of one painting"),
        (text, "is neither an image file nor a saved code"),
        (trained, "is neither an image file nor a saved code"),
        ("wave", "wave: is neither an image file nor a saved code"),
    ):
        with pytest.raises(ImageError, match=message) as caught:
            ganstyle.style_from(painting, bad)
        assert "\n" not in str(caught.value)
    with pytest.raises(GanstyleError, match="at least one painting"):
        ganstyle.style_from()


def test_without_the_generator(painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANSTYLE_ANY", str(tmp_path / "none.safetensors"))
    with pytest.raises(CheckpointError, match="there is no such file, the generator that paints") as caught:
        ganstyle.load_style(painting)
    assert "\n" not in str(caught.value)


def test_style_of_a_code_is_saved_and_loaded(painting: Path, tmp_path: Path) -> None:
    code, path = tmp_path / "code.safetensors", tmp_path / "style.safetensors"
    ganstyle.style_from(painting).save_code(code)
    style = ganstyle.style_from(code)
    style.save(path)
    again = ganstyle.load_style(path)
    assert again.info == style.info
    assert again.target.octaves == style.target.octaves == ({},)
    assert torch.equal(again(PHOTO), style(PHOTO))
