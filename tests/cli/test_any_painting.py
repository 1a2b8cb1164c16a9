"""Commands with a painting as the style."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

import ganstyle
from ganstyle.cli import adapt, app
from ganstyle.evaluate import methods
from ganstyle.gatys import DEFAULTS
from ganstyle.images import read_image, write_image


@pytest.fixture(autouse=True)
def _use(any_painting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANSTYLE_ANY", str(any_painting))


@pytest.fixture
def other(tmp_path: Path) -> Path:
    path = tmp_path / "other.png"
    write_image(torch.rand(1, 3, 40, 30) * torch.tensor([1.0, 0.2, 0.1]).view(1, 3, 1, 1), path)
    return path


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(app, list(map(str, arguments)))


def error(*arguments: object) -> str:
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    return str(line)


def test_stylize_with_a_painting(painting: Path, photos: Path, tmp_path: Path) -> None:
    photo, out = photos / "a.png", tmp_path / "out.png"
    result = invoke("stylize", photo, "-s", painting, "-o", out, "--json", tmp_path / "r.json")
    assert result.exit_code == 0, result.output
    expected = ganstyle.style_from(painting)(read_image(photo))
    torch.testing.assert_close(read_image(out), expected, atol=0.51 / 255, rtol=0)
    assert json.loads((tmp_path / "r.json").read_text())["style"] == "painting"


@pytest.mark.parametrize(
    ("words", "mix"), [([], None), (["--mix", "2,1"], [2, 1]), (["--mix", "0,1"], [0, 1])]
)
def test_stylize_with_several_paintings(
    painting: Path, other: Path, photos: Path, tmp_path: Path, words: Sequence[str], mix: list[float] | None
) -> None:
    photo, out = photos / "a.png", tmp_path / "out.png"
    result = invoke("stylize", photo, "-s", painting, "-s", other, *words, "-o", out)
    assert result.exit_code == 0, result.output
    expected = ganstyle.style_from(painting, other, mix=mix)(read_image(photo))
    torch.testing.assert_close(read_image(out), expected, atol=0.51 / 255, rtol=0)


def test_stylize_with_controls(painting: Path, photos: Path, tmp_path: Path) -> None:
    photo, out = photos / "a.png", tmp_path / "out.png"
    mask = tmp_path / "mask.png"
    write_image(torch.zeros(1, 3, 40, 48), mask)
    controls = ("--strength", "0.6", "--preserve-color", "--stroke-size", "2", "--mask", mask)
    assert invoke("stylize", photo, "-s", painting, "-o", out, *controls).exit_code == 0
    assert torch.equal(read_image(out), read_image(photo))


def test_stylize_adapts_to_one_photo(painting: Path, photos: Path, tmp_path: Path) -> None:
    photo, out = photos / "a.png", tmp_path / "out.png"
    result = invoke("stylize", photo, "-s", painting, "--adapt", 3, "-o", out)
    assert result.exit_code == 0, result.output
    expected = ganstyle.style_from(painting).adapt(photo, steps=3)(read_image(photo))
    torch.testing.assert_close(read_image(out), expected, atol=0.51 / 255, rtol=0)


def test_a_large_photo_is_adapted_to_as_in_python(painting: Path, tmp_path: Path) -> None:
    photo, out = tmp_path / "large.png", tmp_path / "out.png"
    write_image(torch.rand(1, 3, 700, 1500, generator=torch.Generator().manual_seed(1)), photo)
    result = invoke("stylize", photo, "-s", painting, "--adapt", 3, "-o", out)
    assert result.exit_code == 0, result.output
    expected = ganstyle.style_from(painting).adapt(photo, steps=3)(read_image(photo))
    torch.testing.assert_close(read_image(out), expected, atol=0.51 / 255, rtol=0)


def test_stylize_adapts_once_to_all_photos(
    painting: Path, other: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganstyle.cli.progress.INTERVAL", 0.0)
    (tmp_path / "in").mkdir()
    for file in ("a.png", "b.jpg"):
        (tmp_path / "in" / file).write_bytes((photos / file).read_bytes())
    (tmp_path / "in" / "c.png").write_bytes(b"not an image")
    words = ("-s", painting, "-s", other, "--adapt", 3, "-o", tmp_path / "out")
    result = invoke("stylize", tmp_path / "in", *words)
    assert result.exit_code == 1, result.output
    assert "adapting the style to 2 photos: step 3/3" in result.stdout
    assert "c.png" in result.stderr
    style = ganstyle.style_from(painting, other).adapt(photos / "a.png", photos / "b.jpg", steps=3)
    expected = style(read_image(photos / "a.png"))
    torch.testing.assert_close(read_image(tmp_path / "out" / "a.png"), expected, atol=0.51 / 255, rtol=0)
    assert (tmp_path / "out" / "b.jpg").exists()


def test_of_many_photos_some_are_adapted_to(
    painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapt, "_PHOTOS", 2)
    for number in range(5):
        write_image(torch.full((1, 3, 20, 20), number / 4), tmp_path / "in" / f"{number}.png")
    assert (
        invoke("stylize", tmp_path / "in", "-s", painting, "--adapt", 2, "-o", tmp_path / "out").exit_code
        == 0
    )
    first, last = read_image(tmp_path / "in" / "0.png"), read_image(tmp_path / "in" / "3.png")
    expected = ganstyle.style_from(painting).adapt(first, last, steps=2)(first)
    torch.testing.assert_close(read_image(tmp_path / "out" / "0.png"), expected, atol=0.51 / 255, rtol=0)


def test_adapt_needs_a_painting_and_photos(
    painting: Path, other: Path, checkpoint: Path, photos: Path, tmp_path: Path
) -> None:
    rest = ("stylize", photos / "a.png", "-o", tmp_path / "out", "--adapt", 2)
    assert "made of a painting at once" in error(*rest, "-s", checkpoint)
    assert "not blends or regions" in error(*rest, "--blend", f"{painting}=1,{other}=1")
    assert "--dry-run trains nothing" in error(*rest, "-s", painting, "--dry-run")
    assert "--animate" in error(*rest[:2], "--adapt", 2, "-s", painting, "--animate", tmp_path / "a.gif")
    ganstyle.style_from(painting).save_code(tmp_path / "code.safetensors")
    assert "give the painting's file" in error(*rest, "-s", tmp_path / "code.safetensors")
    assert not (tmp_path / "out").exists()


def test_adapt_leaves_unreadable_photos_to_be_reported(painting: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"not an image")
    line = error("stylize", tmp_path / "broken.png", "-s", painting, "--adapt", 2, "-o", tmp_path / "out")
    assert "broken.png" in line


def test_stylize_refuses_contradicting_options(
    painting: Path, other: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = ("stylize", photos / "a.png", "-o", tmp_path / "out", "-s")
    assert "2 shares for 1 paintings" in error(*rest, painting, "--mix", "2,1")
    assert "give numbers" in error(*rest, painting, "-s", other, "--mix", "a,b")
    assert "not all of them 0" in error(*rest, painting, "-s", other, "--mix", "0,0")
    message = error(*rest, painting, "-s", "wave")
    assert f"-s wave: only paintings are mixed; try --blend {painting}=1,wave=1" in message
    assert "missing.jpg" in error(*rest, tmp_path / "missing.jpg")
    assert "neither a file nor a shipped style" in error(*rest, photos)
    assert "is a folder" in error(*rest, photos, "-s", other)
    assert "is an input" in error("stylize", photos / "a.png", "-s", other, "-o", other, "--force")
    monkeypatch.setenv("GANSTYLE_ANY", str(tmp_path / "none"))
    assert "there is no such file, the generator that paints" in error(*rest, painting)
    assert not (tmp_path / "out").exists()


def test_evaluate_a_painting(painting: Path, photos: Path, tmp_path: Path, small_fid: None) -> None:
    result = invoke(
        *("evaluate", "-s", painting, "--content", photos, "--size", "32", "--vgg", "distilled"),
        *("--inception", "off", "--json", tmp_path / "r.json"),
    )
    assert result.exit_code == 0, result.output
    record = json.loads((tmp_path / "r.json").read_text())
    assert record["name"] == "painting"
    assert record["style"] > 0


def test_ranking_skips_generators_and_codes(
    painting: Path, any_painting: Path, photos: Path, tmp_path: Path, small_fid: None
) -> None:
    styles = tmp_path / "styles"
    style = ganstyle.style_from(painting)
    style.save(styles / "mine.safetensors")
    style.save_code(styles / "code.safetensors")
    (styles / "any.safetensors").write_bytes(any_painting.read_bytes())
    result = invoke(
        *("evaluate", "--all", styles, "--content", photos, "--size", "32", "--vgg", "distilled"),
        *("--inception", "off"),
    )
    assert result.exit_code == 0, result.output
    assert "mine" in result.stdout
    assert "code" not in result.stdout


def test_compare_with_a_painting(
    painting: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_fid: None
) -> None:
    monkeypatch.setattr(methods, "DEFAULTS", replace(DEFAULTS, steps=2))
    result = invoke(
        *("compare", "-s", painting, "--content", photos, "-o", tmp_path / "report", "--count", "1"),
        *("--size", "24", "--vgg", "distilled", "--inception", "off", "--device", "cpu"),
    )
    assert result.exit_code == 0, result.output
    assert (tmp_path / "report" / "index.html").exists()
