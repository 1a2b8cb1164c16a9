import errno
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from ganstyle.cli import app
from ganstyle.images import read_image, write_image
from ganstyle.style import load_style
from ganstyle.stylize import Controls, read_mask, stylize_image

CONTROLS = ("--strength", "--preserve-color", "--mask", "--compile")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for seed, name in enumerate(("a.png", "sub/b.jpg")):
        image = torch.rand(3, 20, 24, generator=torch.Generator().manual_seed(seed))
        write_image(image, folder / name)
    return folder


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["stylize", *map(str, arguments)])


def test_stylize_folder_prints_counts(checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    result = invoke(photos, "-s", checkpoint, "-o", tmp_path / "out", "--device", "cpu")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"[1/2] {photos / 'a.png'} -> {tmp_path / 'out' / 'a.png'}  (")
    assert lines[0].endswith(" s)")
    assert lines[-1] == "2 done"
    assert result.stderr == ""
    expected = stylize_image(load_style(checkpoint).generator, read_image(photos / "a.png"))
    torch.testing.assert_close(read_image(tmp_path / "out" / "a.png"), expected, atol=0.51 / 255, rtol=0)
    assert read_image(tmp_path / "out" / "sub" / "b.jpg").shape == (1, 3, 20, 24)


def test_unreadable_photo_is_exit_code_1(checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    (photos / "broken.jpg").write_text("These are words.")
    result = invoke(photos, "-s", checkpoint, "-o", tmp_path / "out", "--json", tmp_path / "x" / "r.json")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "2 done, 1 failed"
    assert result.stderr.splitlines() == [
        f"{photos / 'broken.jpg'}: not an image of a known format; convert it to JPEG, PNG or WebP"
    ]
    report = json.loads((tmp_path / "x" / "r.json").read_text())
    assert (report["style"], report["done"], report["failed"], report["skipped"]) == ("tiny", 2, 1, 0)
    assert [file["status"] for file in report["files"]] == ["done", "failed", "done"]
    assert report["files"][0]["output"] == str(tmp_path / "out" / "a.png")


def test_existing_results_and_force(checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    arguments = (photos / "a.png", "-s", checkpoint, "-o", tmp_path / "out.png")
    assert invoke(*arguments).exit_code == 0
    again = invoke(*arguments)
    assert again.exit_code == 2
    assert again.stdout.splitlines() == ["0 done, 1 skipped"]
    assert "use --force" in again.stderr
    assert invoke(*arguments, "--force").exit_code == 0


def test_no_result_is_exit_code_2(checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    output = ("-s", checkpoint, "-o", tmp_path / "out")
    missing = invoke(tmp_path / "missing.jpg", *output)
    assert missing.exit_code == 2
    assert missing.stderr.splitlines() == [f"{tmp_path / 'missing.jpg'}: no such file"]
    large = invoke(photos, *output, "--max-pixels", 479)
    assert large.exit_code == 2
    assert "20" in large.stderr
    assert not (tmp_path / "out").exists()


def test_stylize_controls_reach_the_library(checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    photo, output = photos / "a.png", tmp_path / "out.png"
    mask = torch.zeros(3, 40, 48)
    mask[..., 24:] = 1
    write_image(mask, tmp_path / "mask.png")
    arguments = ("--strength", 0.5, "--preserve-color", "--mask", tmp_path / "mask.png")
    assert invoke(photo, "-s", checkpoint, "-o", output, *arguments).exit_code == 0
    controls = Controls(0.5, True, read_mask(tmp_path / "mask.png"))
    expected = stylize_image(load_style(checkpoint).generator, read_image(photo), controls)
    torch.testing.assert_close(read_image(output), expected, atol=0.51 / 255, rtol=0)
    assert invoke(photo, "-s", checkpoint, "-o", output, "--force", "--strength", 0).exit_code == 0
    assert torch.equal(read_image(output), read_image(photo))


def test_mask_that_fits_only_one_photo(checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    write_image(torch.rand(3, 24, 20), photos / "tall.png")
    write_image(torch.ones(3, 20, 24), tmp_path / "mask.png")
    result = invoke(photos, "-s", checkpoint, "-o", tmp_path / "out", "--mask", tmp_path / "mask.png")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"{photos / 'tall.png'}: the mask has 24x20 pixels and the photo 20x24; "
        "give a mask with the photo's aspect ratio"
    ]


def test_unsupported_image_is_exit_code_1(checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    (photos / "c.jxl").touch()
    result = invoke(photos, "-s", checkpoint, "-o", tmp_path / "out", "--json", tmp_path / "r.json")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"{photos / 'c.jxl'}: '.jxl' images cannot be read; convert it to JPEG, PNG or WebP"
    ]
    assert json.loads((tmp_path / "r.json").read_text())["failed"] == 1
    for path in (photos / "a.png", photos / "sub" / "b.jpg"):
        path.unlink()
    only = invoke(photos, "-s", checkpoint, "-o", tmp_path / "out2")
    assert (only.exit_code, only.stdout) == (2, "0 done, 1 failed\n")


def test_photos_whose_names_collide(checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    write_image(torch.rand(3, 8, 8), photos / "x.png")
    (photos / "x.png").rename(photos / "a.tif")
    result = invoke(photos, "-s", checkpoint, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "a.tif.png", "sub"]


@pytest.mark.parametrize(
    ("error", "code"), [(OSError(errno.ENOSPC, "No space left on device"), 2), (KeyboardInterrupt(), 130)]
)
def test_aborted_stylize_writes_its_json(
    checkpoint: Path,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
) -> None:
    write_bytes = Path.write_bytes
    written = []

    def fail(self: Path, data: bytes) -> int:
        written.append(self)
        if len(written) == 2:
            raise error
        return write_bytes(self, data)

    monkeypatch.setattr(Path, "write_bytes", fail)
    result = invoke(photos, "-s", checkpoint, "-o", tmp_path / "out", "--json", tmp_path / "r.json")
    assert result.exit_code == code
    assert len(result.stderr.splitlines()) == 1
    report = json.loads((tmp_path / "r.json").read_text())
    assert [file["status"] for file in report["files"]] == ["done"]
    assert not list((tmp_path / "out").rglob("*.tmp"))


def test_home_is_expanded(
    checkpoint: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(photos)
    style = checkpoint.rename(tmp_path / "tiny.safetensors")
    try:
        result = invoke("~/photos", "-s", "~/tiny.safetensors", "-o", "~/out", "--json", "~/r.json")
    finally:
        style.rename(checkpoint)
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "out" / "a.png").exists()
    assert (tmp_path / "r.json").exists()
    assert not Path("~").exists()


def test_compiling_without_a_compiler_is_one_line(
    checkpoint: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    result = invoke(photos, "-s", checkpoint, "-o", tmp_path / "out", "--compile")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "C++ compiler" in result.stderr


def test_stylize_bad_usage_is_one_line(checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    for arguments in (
        (photos, "-s", "no_such_style", "-o", tmp_path / "out"),
        (photos, "-s", checkpoint, "-o", photos, "--force"),
        (photos, "-s", checkpoint, "-o", tmp_path / "out", "--device", "abacus"),
        (photos / "a.png", "-s", checkpoint, "-o", tmp_path / "out.gif"),
        (photos, "-s", checkpoint, "-o", tmp_path / "out", "--strength", "2"),
        (photos, "-s", checkpoint, "-o", tmp_path / "out", "--mask", tmp_path / "no_mask.png"),
    ):
        result = invoke(*arguments)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert len(result.stderr.splitlines()) == 1, result.stderr
        assert "Traceback" not in result.stderr


def test_help_names_every_option() -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    for word in (
        "PHOTO",
        "--style",
        "--output",
        "--force",
        "--max-pixels",
        "--max-side",
        "--device",
        "--json",
        *CONTROLS,
    ):
        assert word in result.stdout


def test_stylize_tiles(checkpoint: Path, tmp_path: Path) -> None:
    write_image(torch.rand(3, 90, 140), tmp_path / "a.png")
    for tile in ("auto", "off", "64"):
        arguments = (tmp_path / "a.png", "-s", checkpoint, "-o", tmp_path / f"{tile}.png", "--tile", tile)
        assert invoke(*arguments).exit_code == 0
    whole = read_image(tmp_path / "off.png")
    assert torch.equal(read_image(tmp_path / "auto.png"), whole)
    assert (read_image(tmp_path / "64.png") - whole).abs().max() < 1.1 / 255
    bad = invoke(tmp_path / "a.png", "-s", checkpoint, "-o", tmp_path / "b.png", "--tile", "huge")
    assert bad.exit_code == 2
    assert "tile 'huge': give a number of pixels such as 1024, or auto, or off" in bad.stderr
    assert not (tmp_path / "b.png").exists()


def test_stylize_formats_and_kept_metadata(checkpoint: Path, tmp_path: Path) -> None:
    glass = Image.new("RGBA", (24, 20), (200, 100, 50, 128))
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    glass.save(tmp_path / "a.png", exif=exif)
    glass.save(tmp_path / "b.gif", save_all=True, append_images=[Image.new("RGB", (24, 20))])
    common = (tmp_path / "a.png", tmp_path / "b.gif", "-s", checkpoint)
    result = invoke(*common, "-o", tmp_path / "out", "--format", "webp", "--quality", 80)
    assert result.exit_code == 0
    assert f"{tmp_path / 'b.gif'}: holds several pictures; only the first is painted" in result.stderr
    with Image.open(tmp_path / "out" / "a.webp") as painted:
        assert (painted.format, painted.mode) == ("WEBP", "RGBA")
        assert painted.getexif()[0x010F] == "Maker"
    assert invoke(*common, "-o", tmp_path / "plain", "--no-metadata", "--alpha", "white").exit_code == 0
    with Image.open(tmp_path / "plain" / "a.png") as painted:
        assert painted.mode == "RGB"
        assert not len(painted.getexif())
    for options, message in (
        (("--format", "bmp"), "format 'bmp': give one of"),
        (("--quality", "0"), "quality 0: give a number from 1 to 100"),
        (("--alpha", "black"), "alpha 'black': give keep or white"),
    ):
        bad = invoke(*common, "-o", tmp_path / "bad", *options)
        assert (bad.exit_code, (tmp_path / "bad").exists()) == (2, False)
        assert message in bad.stderr
