from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image, ImageCms
from torch import Tensor

from ganstyle.errors import ImageError
from ganstyle.images import read_image, read_photo, resize, write_image
from ganstyle.images.spool import Spool, can_spool, save_spool, spool_image
from tests.images.test_icc import icc_profile
from tests.images.test_tiff import BLACK, CMYK, RGB, UNASSOCIATED, WHITE, YCBCR, tiff

pytest.importorskip("pyvips", reason="the extra large is not installed")


def picture(height: int = 40, width: int = 60) -> Tensor:
    return resize(torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(0)), (height, width))


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff"])
def test_spooled_read_equals_whole_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    pixels = (picture()[0].permute(1, 2, 0) * 255).round().byte().numpy()
    Image.fromarray(pixels).save(path)
    assert can_spool(path)
    spool = spool_image(path, tmp_path / "raw")
    assert (spool.size, spool.bits) == ((40, 60), 8)
    whole = read_image(path)
    near = 0.0 if suffix in ("png", "tiff") else 3 / 255  # decoders of lossy formats round differently
    torch.testing.assert_close(spool.read(slice(0, 40)), whole, atol=near + 1e-6, rtol=0)
    torch.testing.assert_close(
        spool.read(slice(3, 9), slice(50, 60)), whole[..., 3:9, 50:], atol=near + 1e-6, rtol=0
    )


def test_spooled_orientation_transparency_and_profile(tmp_path: Path) -> None:
    pixels = (picture()[0].permute(1, 2, 0) * 255).round().byte().numpy()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    rgba = np.dstack([pixels, np.full(pixels.shape[:2], 100, np.uint8)])
    Image.fromarray(rgba).save(tmp_path / "glass.png")
    Image.fromarray(pixels[..., 0]).save(tmp_path / "gray.png")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(pixels).save(tmp_path / "profile.png", icc_profile=profile)
    for name in ("turned.jpg", "glass.png", "gray.png", "profile.png"):
        spool = spool_image(tmp_path / name, tmp_path / f"{name}.raw")
        whole = read_image(tmp_path / name)
        assert spool.size == tuple(whole.shape[-2:])
        torch.testing.assert_close(spool.read(slice(0, spool.size[0])), whole, atol=4 / 255, rtol=0)
    assert {path.suffix for path in tmp_path.iterdir()} == {".jpg", ".png", ".raw"}


def test_spooled_16_bit(tmp_path: Path) -> None:
    image, spool = picture(), Spool(tmp_path / "raw", (40, 60))
    spool.write(image, slice(0, 40))
    save_spool(spool, tmp_path / "x", "PNG", name=tmp_path / "x.png")
    again = spool_image(tmp_path / "x", tmp_path / "raw2")
    assert again.bits == 16
    torch.testing.assert_close(again.read(slice(0, 40)), image, atol=0.6 / 65535, rtol=0)


def test_spooled_names_that_are_not_utf_8(tmp_path: Path) -> None:
    (folder := tmp_path / "\udcff").mkdir()
    image, spool = picture(203, 301), Spool(folder / "raw", (203, 301))
    spool.write(image, slice(0, 203))
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = 8  # which has to be turned in a file
    save_spool(spool, folder / "\udcfe.png", "PNG", name=folder / "x", exif=tags.tobytes())
    assert can_spool(folder / "\udcfe.png")
    photo = read_photo(folder / "\udcfe.png")
    assert photo.bits == 16
    torch.testing.assert_close(photo.image, torch.rot90(image, 1, (2, 3)), atol=0.6 / 65535, rtol=0)
    again = spool_image(folder / "\udcfe.png", folder / "raw2")
    assert again.reduce((60, 40), folder / "small").size == (60, 40)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("bits", [8, 16])
def test_spooled_round_trip(tmp_path: Path, image_format: str, bits: int) -> None:
    spool = Spool(tmp_path / "raw", (40, 60), bits)
    for rows in (slice(0, 25), slice(25, 40)):
        spool.write(picture()[..., rows, :], rows)
    save_spool(spool, tmp_path / "x", image_format, name=tmp_path / "x")
    error = (read_image(tmp_path / "x") - picture()).abs() * 255
    assert error.max() <= 1 if image_format in ("PNG", "TIFF") else error.mean() < 4


@pytest.mark.parametrize("bits", [8, 16])
def test_spooled_reduction_equals_in_memory(tmp_path: Path, bits: int) -> None:
    spool = Spool(tmp_path / "raw", (203, 301), bits)
    image = picture(203, 301)
    spool.write(image, slice(0, 203))
    small = spool.reduce((40, 60), tmp_path / "small")
    assert (small.size, small.bits) == ((40, 60), 16)
    torch.testing.assert_close(small.read(slice(0, 40)), resize(image, (40, 60)), atol=0.01, rtol=0)
    small.delete()
    assert not (tmp_path / "small").exists()


def test_spooled_read_of_damaged_files(tmp_path: Path) -> None:
    write_image(picture(400, 600), tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(ImageError, match=r"cut\.png: damaged or not an image"):
        spool_image(tmp_path / "cut.png", tmp_path / "raw")
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "float.tif")
    with pytest.raises(ImageError, match=r"float\.tif: pixels of type float"):
        spool_image(tmp_path / "float.tif", tmp_path / "raw")


def test_spooled_formats(tmp_path: Path) -> None:
    write_image(picture(), tmp_path / "a.png")
    Image.open(tmp_path / "a.png").save(tmp_path / "a.bmp")
    (tmp_path / "a.txt").write_text("words")
    for name, expected in (("a.png", True), ("a.bmp", False), ("a.txt", False), ("none.png", False)):
        assert can_spool(tmp_path / name) == expected


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_cmyk_is_spooled_only_with_its_profile(tmp_path: Path, suffix: str) -> None:
    import pyvips

    pixels = (picture()[0].permute(1, 2, 0) * 255).round().byte().numpy()
    ink = pyvips.Image.new_from_array(pixels, interpretation="srgb").icc_export(output_profile="cmyk")
    path = tmp_path / f"a.{suffix}"
    ink.write_to_file(str(path))
    assert can_spool(path)
    spool, whole = spool_image(path, tmp_path / "raw"), read_image(path)
    torch.testing.assert_close(spool.read(slice(0, 40)), whole, atol=4 / 255, rtol=0)
    for profile in (None, b"no profile"):
        Image.fromarray(ink.numpy(), "CMYK").save(path, icc_profile=profile)
        assert not can_spool(path)


def test_layouts_that_libvips_reads_otherwise_are_not_spooled(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.new("LAB", (6, 4), (100, 128, 128)).save(path)
    assert not can_spool(path)
    pixels = (picture()[0].permute(1, 2, 0) * 255).round().byte().numpy()
    for content in (
        tiff(pixels, YCBCR, tags={530: ("H", (1, 1))}),
        tiff(np.dstack([pixels, pixels[..., :1]]), RGB, extra=(0,)),
        tiff(np.dstack([pixels, pixels[..., :1]]), CMYK),
        tiff(pixels[..., 0].astype(np.uint16) * 16, BLACK, bits=12),
    ):
        path.write_bytes(content)
        assert not can_spool(path)
    for content in (
        tiff(pixels, RGB),
        tiff(pixels[..., 0], WHITE),
        tiff(np.dstack([pixels, pixels[..., :1]]), RGB, extra=(UNASSOCIATED,)),
    ):
        path.write_bytes(content)
        assert can_spool(path)
        spool, whole = spool_image(path, tmp_path / "raw"), read_image(path)
        torch.testing.assert_close(spool.read(slice(0, 40)), whole, atol=2 / 255, rtol=0)


def test_spooled_16_bit_gray_with_a_profile(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 40 * 60).reshape(40, 60).astype(np.uint16)
    path = tmp_path / "a.png"
    Image.fromarray(ramp).save(path, icc_profile=icc_profile(b"GRAY", 1.0))
    spool, whole = spool_image(path, tmp_path / "raw"), read_image(path)
    torch.testing.assert_close(spool.read(slice(0, 40)), whole, atol=2 / 255, rtol=0)
