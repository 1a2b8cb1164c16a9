"""Files that are refused, in one line."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile

from ganstyle import images
from ganstyle.errors import ImageError, ImageTooLargeError

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)

SUFFIXES = ("avif", "bmp", "gif", "jp2", "jpg", "png", "tif", "webp")


def save(path: Path, pixels: np.ndarray = PIXELS, **options: object) -> Path:
    Image.fromarray(pixels).save(path, **options)  # type: ignore[arg-type]
    return path


def error_of(path: Path, **options: int) -> str:
    """The message of read_image's error, having checked that it is one line with the file's name."""
    with pytest.raises(ImageError) as caught:
        images.read_image(path, **options)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.count(str(path)) == 1
    assert "\n" not in message
    return message


def png_header(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 16)
    chunks = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (header, data)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_pixels_without_a_known_range_are_refused(tmp_path: Path) -> None:
    floats = save(tmp_path / "float.tif", np.ones((2, 2), dtype=np.float32))
    large = save(tmp_path / "int.tif", np.full((2, 2), 70000, dtype=np.int32))
    for path in (floats, large):
        assert "8 or 16 bits" in error_of(path)


def test_non_image_files_are_one_line(tmp_path: Path) -> None:
    assert "no such file" in error_of(tmp_path / "missing.jpg")
    assert "is a folder" in error_of(tmp_path)
    (tmp_path / "text.jpg").write_text("These are words, not pixels.\n" * 9)
    assert "not an image of a known format" in error_of(tmp_path / "text.jpg")
    (tmp_path / "empty.png").touch()
    assert "empty" in error_of(tmp_path / "empty.png")
    os.mkfifo(tmp_path / "pipe.png")
    assert "not a regular file" in error_of(tmp_path / "pipe.png")
    assert "File name too long" in error_of(tmp_path / ("a" * 300))
    (tmp_path / "loop.png").symlink_to("loop.png")
    assert "cannot be read" in error_of(tmp_path / "loop.png")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("part", [0.02, 0.5, 0.9])
def test_truncated_files_are_one_line(tmp_path: Path, suffix: str, part: float) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    error_of(path)
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_bytes_give_an_image_or_one_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(PIXELS).save(path, exif=exif, icc_profile=profile)
    content = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    rng = np.random.default_rng(1)
    for _ in range(60):
        damaged = content.copy()
        damaged[rng.integers(0, len(content), 4)] = rng.integers(0, 256, 4)
        path.write_bytes(damaged.tobytes())
        for read in (images.read_image, images.check_image):
            try:
                read(path, max_pixels=10_000)
            except ImageError as error:
                assert "\n" not in str(error)  # noqa: PT017 - either outcome is right


def test_huge_header_is_refused_before_decoding(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    path.write_bytes(png_header(60_000, 60_000))
    with pytest.raises(ImageTooLargeError) as caught:
        images.read_image(path)
    message = str(caught.value)
    assert (
        "60000x60000 pixels is more than the limit of 100,000,000 pixels; reduce the image first" in message
    )
    with pytest.raises(ImageError, match="60000x60000"):
        images.check_image(path)
    # It was the limit that refused it, not Pillow's own.
    assert images.check_image(path, max_pixels=60_000**2) == (60_000, 60_000)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_pixel_limit_replaces_that_of_pillow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (8, 8)).save(path)
    assert images.read_image(path, max_pixels=64).shape == (1, 3, 8, 8)
    assert "8x8 pixels" in error_of(path, max_pixels=63)
    for limit in (40, 10):  # past its limit Pillow warns, and past twice that it raises
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        assert images.read_image(path).shape == (1, 3, 8, 8)
