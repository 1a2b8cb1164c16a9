from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image, ImageCms

from ganstyle.errors import GanstyleError, ImageError
from ganstyle.images import SavingOptions, check_image, read_image, read_photo, resize, write_photo
from ganstyle.stylize import plan_outputs

GPS = {1: "N", 2: (52.0, 31.0, 12.0)}
KEEP = SavingOptions()


def picture(mode: str = "RGB", size: tuple[int, int] = (60, 40)) -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 256, (5, 8, 4), np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).convert(mode)


def exif(orientation: int = 1) -> Image.Exif:
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    tags[ExifTags.Base.Make] = "Maker"
    tags[ExifTags.Base.Copyright] = "Somebody"
    tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2020:01:02 03:04:05"
    tags.get_ifd(ExifTags.IFD.GPSInfo).update(GPS)
    return tags


def written(source: Path, target: Path, options: SavingOptions = KEEP) -> Image.Image:
    photo = read_photo(source)
    write_photo(photo.image, target, photo, options)
    image: Image.Image = Image.open(target)
    image.load()
    return image


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif", "tif"])
def test_exif_is_kept_without_orientation_and_place(tmp_path: Path, suffix: str) -> None:
    picture().save(tmp_path / "in.jpg", exif=exif(orientation=6))
    result = written(tmp_path / "in.jpg", tmp_path / f"out.{suffix}")
    tags = result.getexif()
    assert result.size == (40, 60)
    assert tags[ExifTags.Base.Make] == "Maker"
    assert tags[ExifTags.Base.Copyright] == "Somebody"
    assert tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "2020:01:02 03:04:05"
    assert tags.get(ExifTags.Base.Orientation, 1) == 1
    assert not tags.get_ifd(ExifTags.IFD.GPSInfo)
    assert check_image(tmp_path / f"out.{suffix}") == (60, 40)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_exif_of_the_pixels_is_left_out(tmp_path: Path, suffix: str) -> None:
    """Those of a result lie otherwise, or are fewer."""
    tags = exif(orientation=6)
    entries = {
        ExifTags.Base.ExifImageWidth: 60,
        ExifTags.Base.ExifImageHeight: 40,
        0x9214: (30, 20, 8, 8),  # SubjectArea
        0xA214: (30, 20),  # SubjectLocation
    }
    tags.get_ifd(ExifTags.IFD.Exif).update(entries)
    picture().save(tmp_path / "in.jpg", exif=tags)
    kept = written(tmp_path / "in.jpg", tmp_path / f"out.{suffix}").getexif().get_ifd(ExifTags.IFD.Exif)
    assert kept == {ExifTags.Base.DateTimeOriginal: "2020:01:02 03:04:05"}


def test_gps_and_metadata_on_request(tmp_path: Path) -> None:
    picture().save(tmp_path / "in.jpg", exif=exif())
    with_gps = written(tmp_path / "in.jpg", tmp_path / "a.jpg", SavingOptions(gps=True))
    assert with_gps.getexif().get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"
    without = written(tmp_path / "in.jpg", tmp_path / "b.jpg", SavingOptions(metadata=False, gps=True))
    assert not len(without.getexif())
    assert "icc_profile" not in without.info


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_exif_too_long_for_jpeg(tmp_path: Path, suffix: str) -> None:
    """A maker's note is left out, where it has no room; nothing else is lost."""
    tags = exif()
    note = bytes(range(256)) * 300
    tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.MakerNote] = note
    picture().save(tmp_path / "in.png", exif=tags)
    kept = written(tmp_path / "in.png", tmp_path / f"out.{suffix}").getexif()
    assert kept[ExifTags.Base.Make] == "Maker"
    entries = kept.get_ifd(ExifTags.IFD.Exif)
    assert entries[ExifTags.Base.DateTimeOriginal] == "2020:01:02 03:04:05"
    assert entries.get(ExifTags.Base.MakerNote) == (note if suffix == "png" else None)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_is_ignored(tmp_path: Path) -> None:
    for number, content in enumerate(
        (b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff")
    ):
        picture().save(tmp_path / f"{number}.jpg", exif=content)
        written(tmp_path / f"{number}.jpg", tmp_path / f"{number}.png")


def other_profile() -> bytes:
    """An RGB profile whose colors are far from sRGB's: that of gamma 1."""
    import struct

    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    name = profile.find("sRGB built-in".encode("utf-16-be"))
    profile[name : name + 2] = "x".encode("utf-16-be")
    start = profile.find(b"para", 300)
    struct.pack_into(">i", profile, start + 12, 65536)  # the exponent of the curve's main part
    return bytes(profile)


def test_profile_is_kept_and_the_colors_are_the_same(tmp_path: Path) -> None:
    profile = other_profile()
    picture().save(tmp_path / "in.png", icc_profile=profile)
    result = written(tmp_path / "in.png", tmp_path / "out.png")
    assert result.info["icc_profile"] == profile
    again, before = read_image(tmp_path / "out.png"), read_image(tmp_path / "in.png")
    assert (again - before).abs().mean() < 2 / 255
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture().save(tmp_path / "srgb.jpg", icc_profile=srgb)
    assert written(tmp_path / "srgb.jpg", tmp_path / "o.webp").info["icc_profile"] == srgb


def test_profiles_of_other_color_spaces_are_left_out(tmp_path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for profile in (lab, b"not a profile"):
        picture().save(tmp_path / "in.png", icc_profile=profile)
        assert "icc_profile" not in written(tmp_path / "in.png", tmp_path / "out.png").info


@pytest.mark.parametrize(
    ("suffix", "kept"), [("png", True), ("webp", True), ("avif", True), ("tif", True), ("jpg", False)]
)
def test_transparency_is_kept_where_the_format_holds_it(tmp_path: Path, suffix: str, kept: bool) -> None:
    glass = picture("RGBA")
    glass.putalpha(Image.linear_gradient("L").resize(glass.size))
    glass.save(tmp_path / "in.png")
    result = written(tmp_path / "in.png", tmp_path / f"out.{suffix}")
    assert (result.mode == "RGBA") == kept
    if kept:
        error = np.abs(np.asarray(result.getchannel("A"), int) - np.asarray(glass.getchannel("A"), int))
        assert error.mean() < 2
    white = written(tmp_path / "in.png", tmp_path / f"white.{suffix}", SavingOptions(alpha=False))
    assert white.mode == "RGB"


def test_opaque_alpha_is_dropped(tmp_path: Path) -> None:
    picture("RGB").convert("RGBA").save(tmp_path / "in.png")
    assert read_photo(tmp_path / "in.png").alpha is None
    assert written(tmp_path / "in.png", tmp_path / "out.png").mode == "RGB"


def test_alpha_of_a_reduced_picture(tmp_path: Path) -> None:
    glass = picture("RGBA")
    glass.putalpha(100)
    glass.save(tmp_path / "in.png")
    photo = read_photo(tmp_path / "in.png")
    write_photo(resize(photo.image, (20, 30)), tmp_path / "out.png", photo, KEEP)
    with Image.open(tmp_path / "out.png") as result:
        assert (result.mode, result.size) == ("RGBA", (30, 20))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_stay_16_bits(tmp_path: Path, suffix: str) -> None:
    vips = pytest.importorskip("pyvips")
    ramp = np.linspace(1000, 3000, 64 * 48 * 3).reshape(48, 64, 3).astype(np.uint16)  # 8 levels of 255
    image = vips.Image.new_from_array(ramp, interpretation="rgb16")
    image.write_to_file(str(tmp_path / f"in.{suffix}"))
    photo = read_photo(tmp_path / f"in.{suffix}")
    assert photo.bits == 16
    expected = torch.from_numpy(ramp.astype(np.float32) / 65535).permute(2, 0, 1)[None]
    torch.testing.assert_close(photo.image, expected, atol=1e-6, rtol=0)
    write_photo(photo.image, tmp_path / f"out.{suffix}", photo, KEEP)
    again = read_photo(tmp_path / f"out.{suffix}")
    assert again.bits == 16
    torch.testing.assert_close(again.image, expected, atol=1e-6, rtol=0)
    write_photo(photo.image, tmp_path / "out.jpg", photo, KEEP)
    assert (read_image(tmp_path / "out.jpg") - expected).abs().mean() < 3 / 255


def test_16_bits_of_gray(tmp_path: Path) -> None:
    pytest.importorskip("pyvips")
    ramp = np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "in.png")
    photo = read_photo(tmp_path / "in.png")
    write_photo(photo.image, tmp_path / "out.png", photo, KEEP)
    torch.testing.assert_close(read_photo(tmp_path / "out.png").image, photo.image, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["gif", "webp", "png", "tif"])
def test_animation_is_reported(tmp_path: Path, kind: str) -> None:
    frames = [picture(), picture().rotate(90)]
    frames[0].save(tmp_path / f"a.{kind}", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / f"b.{kind}")
    assert read_photo(tmp_path / f"a.{kind}").animated
    assert not read_photo(tmp_path / f"b.{kind}").animated


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("tga", "RGB"),
        ("tga", "RGBA"),
        ("tga", "L"),
        ("ppm", "RGB"),
        ("pgm", "L"),
        ("pbm", "1"),
        ("sgi", "RGB"),
        ("pcx", "RGB"),
        ("qoi", "RGB"),
        ("jp2", "RGB"),
    ],
)
def test_further_formats_are_read(tmp_path: Path, kind: str, mode: str) -> None:
    image = picture(mode)
    image.save(tmp_path / f"a.{kind}")
    whole = read_image(tmp_path / f"a.{kind}")
    image.convert("RGBA").save(tmp_path / "b.png")
    assert (whole - read_image(tmp_path / "b.png")).abs().mean() < 2 / 255
    if kind != "jp2":  # which may be read at a lower resolution
        content = (tmp_path / f"a.{kind}").read_bytes()
        (tmp_path / f"cut.{kind}").write_bytes(content[: len(content) // 2])
        with pytest.raises(ImageError, match=f"cut.{kind}"):
            read_image(tmp_path / f"cut.{kind}")


def test_heic_is_read_upright_with_its_metadata(tmp_path: Path) -> None:
    heif: Any = pytest.importorskip("pillow_heif")
    heif.from_pillow(picture()).save(tmp_path / "in.heic", quality=95, exif=exif(orientation=6).tobytes())
    assert check_image(tmp_path / "in.heic") in ((60, 40), (40, 60))
    photo = read_photo(tmp_path / "in.heic")
    assert tuple(photo.image.shape[-2:]) == check_image(tmp_path / "in.heic")
    result = written(tmp_path / "in.heic", tmp_path / "out.jpg")
    assert result.getexif()[ExifTags.Base.Make] == "Maker"
    with pytest.raises(ImageError, match="more than the limit of 100 pixels"):
        read_photo(tmp_path / "in.heic", max_pixels=100)
    content = (tmp_path / "in.heic").read_bytes()
    for part in (20, len(content) // 3, len(content) * 2 // 3):
        (tmp_path / "cut.heic").write_bytes(content[:part])
        with pytest.raises(ImageError, match=r"cut\.heic"):
            read_photo(tmp_path / "cut.heic")


@pytest.mark.parametrize("quality", [0, 101, -1])
def test_quality_out_of_range(quality: int) -> None:
    with pytest.raises(GanstyleError, match="give a number from 1 to 100"):
        SavingOptions(quality)


def test_quality_changes_file_size(tmp_path: Path) -> None:
    picture(size=(200, 100)).save(tmp_path / "in.png")
    for suffix in ("jpg", "webp", "avif"):
        sizes = []
        for quality in (20, 90):
            written(tmp_path / "in.png", tmp_path / f"out.{suffix}", SavingOptions(quality))
            sizes.append((tmp_path / f"out.{suffix}").stat().st_size)
        assert sizes[0] < sizes[1]


def test_output_format_for_all_results(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "b.JPEG", "c.gif"):
        (tmp_path / "in").mkdir(exist_ok=True)
        picture().save(tmp_path / "in" / name)
    names = {
        image_format: [
            file.output.name
            for file in plan_outputs([tmp_path / "in"], tmp_path / "o", image_format=image_format)
        ]
        for image_format in ("jpeg", "png", "avif", "tiff")
    }
    assert names["jpeg"] == ["a.jpg", "a.png.jpg", "b.JPEG", "c.jpg"]
    assert names["png"] == ["a.jpg.png", "a.png", "b.png", "c.png"]
    assert names["avif"] == ["a.jpg.avif", "a.png.avif", "b.avif", "c.avif"]
    assert names["tiff"][2:] == ["b.tif", "c.tif"]
    with pytest.raises(GanstyleError, match="format 'bmp': give one of jpeg, png, webp, avif, tiff"):
        plan_outputs([tmp_path / "in"], tmp_path / "o", image_format="bmp")
    with pytest.raises(GanstyleError, match=r"x\.png: is not the name of a jpeg file; end it in \.jpg"):
        plan_outputs([tmp_path / "in" / "a.png"], tmp_path / "x.png", image_format="jpeg")
