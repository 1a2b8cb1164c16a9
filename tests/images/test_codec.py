import errno
import os
import resource
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, ImageFile
from torch import Tensor

from ganstyle import images
from ganstyle.errors import GanstyleError, ImageError, ImageTooLargeError

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
GRAY16 = RNG.integers(0, 65536, (5, 7), dtype=np.uint16)
SUFFIXES = ("avif", "bmp", "gif", "jp2", "jpg", "png", "tif", "webp")


def levels(image: Tensor) -> np.ndarray:
    """(1, 3, H, W) in [0, 1] as (H, W, 3) levels, which must be whole numbers."""
    scaled = image[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(scaled - scaled.round()).max() < 1e-3
    whole: np.ndarray = scaled.round().astype(np.uint8)
    return whole


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


# Reading


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "wrong-suffix.jpg"])
def test_lossless_formats_are_read_exactly(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    Image.fromarray(PIXELS).save(path, "PNG" if "wrong" in name else None)
    image = images.read_image(path)
    assert image.shape == (1, 3, 5, 7)
    assert image.dtype == torch.float32
    assert image.stride() == (105, 35, 7, 1)  # not channels_last
    np.testing.assert_array_equal(levels(image), PIXELS)
    assert images.check_image(path) == (5, 7)


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.avif"])
def test_lossy_formats_are_read(tmp_path: Path, name: str) -> None:
    plain = np.full((16, 24, 3), (200, 90, 30), dtype=np.uint8)
    image = images.read_image(save(tmp_path / name, plain, quality=95))
    assert image.shape == (1, 3, 16, 24)
    np.testing.assert_allclose(levels(image).astype(int), plain, atol=4)


def test_one_pixel(tmp_path: Path) -> None:
    path = save(tmp_path / "dot.png", np.array([[[255, 0, 51]]], dtype=np.uint8))
    torch.testing.assert_close(images.read_image(path), torch.tensor([1.0, 0.0, 0.2]).reshape(1, 3, 1, 1))


# How each EXIF orientation says the stored pixels are to be turned.
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("name", ["a.png", "a.tif", "lzw.tif", "a.webp"])
def test_orientation_is_applied(tmp_path: Path, name: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    compression = "tiff_lzw" if name == "lzw.tif" else None
    path = save(tmp_path / name, exif=exif, compression=compression, lossless=True)
    expected = UPRIGHT[orientation](PIXELS)
    np.testing.assert_array_equal(levels(images.read_image(path)), expected)
    assert images.check_image(path) == expected.shape[:2]


def test_orientation_in_a_jpeg(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.zeros((16, 32, 3), dtype=np.uint8)
    pixels[:, :16] = 255  # white on the left: on top once it stands upright
    path = save(tmp_path / "a.jpg", pixels, exif=exif)
    image = images.read_image(path)
    assert image.shape == (1, 3, 32, 16)
    assert image[..., :14, :].min() > 0.9
    assert image[..., 18:, :].max() < 0.1
    assert images.check_image(path) == (32, 16)


@pytest.mark.filterwarnings("ignore")
def test_damaged_metadata_is_passed_over(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff")
    np.testing.assert_array_equal(levels(images.read_image(path)), PIXELS)
    assert images.check_image(path) == (5, 7)


def test_16_bit_gray_keeps_its_range(tmp_path: Path) -> None:
    swapped = Image.frombytes("I;16B", (7, 5), GRAY16.astype(">u2").tobytes())
    swapped.save(tmp_path / "swapped.tif")
    Image.fromarray(GRAY16.astype(np.int32)).save(tmp_path / "int.tif")
    paths = [save(tmp_path / "a.png", GRAY16), save(tmp_path / "a.tif", GRAY16)]
    for path in [*paths, tmp_path / "swapped.tif", tmp_path / "int.tif"]:
        image = images.read_image(path)
        assert image.shape == (1, 3, 5, 7)
        for channel in image[0]:
            np.testing.assert_allclose(channel.numpy(), GRAY16 / 65535, atol=1e-7)


def test_pixels_without_a_known_range_are_refused(tmp_path: Path) -> None:
    floats = save(tmp_path / "float.tif", np.ones((2, 2), dtype=np.float32))
    large = save(tmp_path / "int.tif", np.full((2, 2), 70000, dtype=np.int32))
    for path in (floats, large):
        assert "8 or 16 bits" in error_of(path)


def test_gray_and_bilevel(tmp_path: Path) -> None:
    gray = save(tmp_path / "gray.png", PIXELS[..., 0])
    np.testing.assert_array_equal(levels(images.read_image(gray)), PIXELS[..., :1].repeat(3, axis=2))
    bits = np.array([[True, False]])
    image = images.read_image(save(tmp_path / "bits.png", bits))
    assert image[0, :, 0].tolist() == [[1.0, 0.0]] * 3


def test_alpha_is_composited_on_white(tmp_path: Path) -> None:
    alpha = np.array([[0, 255, 51]], dtype=np.uint8)
    rgba = np.zeros((1, 3, 4), dtype=np.uint8)
    rgba[..., 0] = 100
    rgba[..., 3] = alpha
    expected = [[255, 255, 255], [100, 0, 0], [224, 204, 204]]  # 255 + (x - 255)·alpha/255
    assert levels(images.read_image(save(tmp_path / "a.png", rgba)))[0].tolist() == expected

    gray = Image.merge("LA", [Image.fromarray(rgba[..., 0]), Image.fromarray(alpha)])
    gray.save(tmp_path / "la.png")
    assert levels(images.read_image(tmp_path / "la.png"))[0, :, 1].tolist() == [255, 100, 224]


def test_palette_with_and_without_transparency(tmp_path: Path) -> None:
    palette = Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8), "P")
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    palette.save(tmp_path / "plain.png")
    palette.save(tmp_path / "index.gif", transparency=1)
    palette.save(tmp_path / "bytes.png", transparency=b"\xff\x00\x33")
    red, green, blue, white = [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]
    assert levels(images.read_image(tmp_path / "plain.png"))[0].tolist() == [red, green, blue]
    assert levels(images.read_image(tmp_path / "index.gif"))[0].tolist() == [red, white, blue]
    fifth = [204, 204, 255]
    assert levels(images.read_image(tmp_path / "bytes.png"))[0].tolist() == [red, white, fifth]


def test_color_key_transparency(tmp_path: Path) -> None:
    pixels = np.array([[[1, 2, 3], [4, 5, 6]]], dtype=np.uint8)
    path = save(tmp_path / "a.png", pixels, transparency=(1, 2, 3))
    assert levels(images.read_image(path))[0].tolist() == [[255] * 3, [4, 5, 6]]


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp"])
def test_first_frame_of_an_animation(tmp_path: Path, name: str) -> None:
    first, second = (Image.new("RGB", (4, 4), color) for color in ("red", "blue"))
    first.save(tmp_path / name, save_all=True, append_images=[second], lossless=True)
    image = levels(images.read_image(tmp_path / name))
    assert np.unique(image.reshape(-1, 3), axis=0).tolist() == [[255, 0, 0]]


def test_cmyk_without_a_profile(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.tif")
    assert levels(images.read_image(tmp_path / "a.tif"))[0, 0].tolist() == [255, 0, 0]
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=100)
    np.testing.assert_allclose(levels(images.read_image(tmp_path / "a.jpg"))[0, 0], [255, 0, 0], atol=3)


def s15(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def icc_profile(space: bytes, gamma: float, *, swap: bool = False) -> bytes:
    """A matrix (or gray) profile with sRGB's primaries; ``swap`` names red green and green red."""
    columns = [(0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7139)]
    if swap:
        columns[:2] = columns[1::-1]
    curve = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(gamma * 256))
    tags = {b"wtpt": b"XYZ \0\0\0\0" + s15(0.9642) + s15(1) + s15(0.8249)}
    tags[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(79)
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        for letter, column in zip(b"rgb", columns, strict=True):
            tags[bytes([letter]) + b"XYZ"] = b"XYZ \0\0\0\0" + b"".join(map(s15, column))
            tags[bytes([letter]) + b"TRC"] = curve
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = 128 + len(table) + len(body)
    header = struct.pack(">I4sI", size, b"\0\0\0\0", 0x02100000) + b"mntr" + space + b"XYZ "
    header = header.ljust(36, b"\0") + b"acsp"
    header = header.ljust(68, b"\0") + s15(0.9642) + s15(1) + s15(0.8249)
    return header.ljust(128, b"\0") + table + body


def test_profile_is_converted_to_srgb(tmp_path: Path) -> None:
    pixels = np.array([[[60, 200, 90], [255, 255, 255]]], dtype=np.uint8)
    path = save(tmp_path / "swapped.png", pixels, icc_profile=icc_profile(b"RGB ", 2.2, swap=True))
    image = levels(images.read_image(path)).astype(int)
    np.testing.assert_allclose(image[0], [[200, 60, 90], [255, 255, 255]], atol=4)

    linear = icc_profile(b"RGB ", 1.0)  # linear 0.5 is 188 in sRGB (IEC 61966-2-1)
    pixels = np.full((1, 2, 4), 128, dtype=np.uint8)
    pixels[..., 3] = [255, 0]
    path = save(tmp_path / "linear.png", pixels, icc_profile=linear)
    np.testing.assert_allclose(levels(images.read_image(path))[0], [[188] * 3, [255] * 3], atol=1)


def test_profile_of_a_gray_image(tmp_path: Path) -> None:
    path = tmp_path / "gray.png"
    save(path, np.full((2, 2), 128, dtype=np.uint8), icc_profile=icc_profile(b"GRAY", 1.0))
    np.testing.assert_allclose(levels(images.read_image(path))[0, 0], [188] * 3, atol=1)


def test_profile_of_srgb_changes_nothing(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = save(tmp_path / "a.png", icc_profile=profile)
    np.testing.assert_allclose(levels(images.read_image(path)).astype(int), PIXELS, atol=1)


@pytest.mark.parametrize("profile", [b"no profile", icc_profile(b"GRAY", 1.0)])
def test_unusable_profile_is_ignored(tmp_path: Path, profile: bytes) -> None:
    path = save(tmp_path / "a.png", icc_profile=profile)
    np.testing.assert_array_equal(levels(images.read_image(path)), PIXELS)


# Refusing


def test_files_that_are_no_images(tmp_path: Path) -> None:
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
def test_truncated_files(tmp_path: Path, suffix: str, part: float) -> None:
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
    Image.fromarray(PIXELS).save(path, exif=exif, icc_profile=icc_profile(b"RGB ", 1.8))
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
def test_only_our_limit_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (8, 8)).save(path)
    assert images.read_image(path, max_pixels=64).shape == (1, 3, 8, 8)
    assert "8x8 pixels" in error_of(path, max_pixels=63)
    for limit in (40, 10):  # past its limit Pillow warns, and past twice that it raises
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        assert images.read_image(path).shape == (1, 3, 8, 8)


def test_reading_from_several_threads(tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{i}.png", np.roll(PIXELS, i, axis=0)) for i in range(5)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(images.read_image, paths * 4))
    for i, image in enumerate(results):
        np.testing.assert_array_equal(levels(image), np.roll(PIXELS, i % 5, axis=0))


# Writing


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_png_round_trip_is_exact(tmp_path: Path, batch: bool, dtype: torch.dtype) -> None:
    path = tmp_path / "new" / "a.png"
    image = torch.from_numpy(PIXELS).permute(2, 0, 1).float() / 255
    if dtype is torch.bfloat16:  # 8 bits of mantissa: levels of 1/128 are exact
        image = (image * 128).floor() / 128
    images.write_image((image[None] if batch else image).to(dtype), path)
    expected = (image * 255 + 0.5).floor() / 255
    torch.testing.assert_close(images.read_image(path)[0], expected)
    assert [p.name for p in path.parent.iterdir()] == ["a.png"]


@pytest.mark.parametrize(("name", "kind"), [("a.JPG", "JPEG"), ("a.jpeg", "JPEG"), ("a.webp", "WEBP")])
def test_lossy_writing(tmp_path: Path, name: str, kind: str) -> None:
    yy, xx = torch.meshgrid(torch.linspace(0, 1, 32), torch.linspace(0, 1, 48), indexing="ij")
    image = torch.stack([xx, yy, 1 - xx])
    path = tmp_path / name
    images.write_image(image, path)
    with Image.open(path) as written:
        assert written.format == kind
    assert (images.read_image(path)[0] - image).abs().mean() < 0.01
    small = tmp_path / f"small{path.suffix}"
    images.write_image(image, small, quality=10)
    assert small.stat().st_size < path.stat().st_size


def test_rounding_and_clamping() -> None:
    values = torch.tensor([-0.5, 0.0, 0.49 / 255, 0.51 / 255, 254.4 / 255, 1.0, 1.7])
    picture = images.to_pil(values.expand(3, 1, 7))
    assert np.asarray(picture)[0, :, 0].tolist() == [0, 0, 0, 1, 254, 255, 255]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_pixels_that_are_not_finite(tmp_path: Path, bad: float) -> None:
    image = torch.zeros(3, 4, 4)
    image[1, 2, 3] = bad
    with pytest.raises(ImageError, match=r"a\.png: .*not finite"):
        images.write_image(image, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "image", [torch.zeros(4, 4), torch.zeros(1, 4, 4), torch.zeros(2, 3, 4, 4), torch.zeros(3, 0, 4)]
)
def test_other_shapes_are_a_value_error(tmp_path: Path, image: Tensor) -> None:
    with pytest.raises(ValueError, match="shape"):
        images.write_image(image, tmp_path / "a.png")
    with pytest.raises(ValueError, match="uint8"):
        images.to_pil(torch.zeros(3, 4, 4, dtype=torch.uint8))


def test_output_format() -> None:
    assert [images.output_format(f"x/a{s}") for s in (".png", ".JPG", ".webp")] == [
        "PNG",
        "JPEG",
        "WEBP",
    ]
    for name in ("a.gif", "a.tiff", "a", ".png", "a.png.bak"):
        with pytest.raises(ImageError, match=r"use \.png, \.jpg or \.webp"):
            images.output_format(name)
    with pytest.raises(ImageError, match=r"a\.gif"):
        images.write_image(torch.zeros(3, 2, 2), "a.gif")


def test_size_that_a_format_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"17000x1 pixels cannot be written as WEBP .*try \.png"):
        images.write_image(torch.zeros(3, 1, 17_000), tmp_path / "a.webp")
    with pytest.raises(ImageError, match=r"66000x1 pixels cannot be written as JPEG"):
        images.write_image(torch.zeros(3, 1, 66_000), tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.png")
    before = path.read_bytes()

    def write_some(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(bytes(data)[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_some)
    with pytest.raises(GanstyleError, match="No space left") as caught:
        images.write_image(torch.zeros(3, 4, 4), path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let the operating system refuse to write more than ``size`` bytes to a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_that_the_system_refuses(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png")
    before = path.read_bytes()
    noise = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
    with files_of_at_most(4096), pytest.raises(GanstyleError, match=r"a\.png: cannot be written"):
        images.write_image(noise, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


# Pillow and bytes


def test_pillow_both_ways() -> None:
    picture = Image.fromarray(PIXELS)
    np.testing.assert_array_equal(np.asarray(images.to_pil(images.from_pil(picture))), PIXELS)
    assert images.from_pil(picture).is_contiguous()
    with pytest.raises(ImageError, match="no pixels"):
        images.from_pil(Image.new("RGB", (0, 3)))


def test_encode_jpeg() -> None:
    image = torch.linspace(0, 1, 32).expand(1, 3, 16, 32)
    content = images.encode_jpeg(image)
    assert content.startswith(b"\xff\xd8")
    assert (images.decode_image(content, "x") - image).abs().max() < 0.03
    assert len(images.encode_jpeg(image, quality=20)) < len(content)


def test_nothing_of_pillow_was_changed() -> None:
    assert Image.MAX_IMAGE_PIXELS == 1024 * 1024 * 1024 // 4 // 3
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.parametrize("suffix", [".jpe", ".jp2", ".mpo", ".apng"])
def test_rare_kinds_are_read(tmp_path: Path, suffix: str) -> None:
    picture = Image.fromarray(np.full((6, 9, 3), 100, dtype=np.uint8))
    kind = {".jpe": "JPEG", ".jp2": "JPEG2000", ".mpo": "MPO", ".apng": "PNG"}[suffix]
    several = {"save_all": True, "append_images": [picture]} if suffix in (".mpo", ".apng") else {}
    picture.save(tmp_path / f"a{suffix}", kind, **several)
    assert images.check_image(tmp_path / f"a{suffix}") == (6, 9)
    assert (images.read_image(tmp_path / f"a{suffix}") * 255 - 100).abs().max() < 2


def test_an_image_to_a_device() -> None:
    assert images.output_format("/dev/null") == "PNG"
    images.write_image(torch.zeros(3, 2, 2), "/dev/null")
    assert Path("/dev/null").is_char_device()
