from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile
from torch import Tensor

from ganstyle import images
from ganstyle.errors import ImageError

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
GRAY16 = RNG.integers(0, 65536, (5, 7), dtype=np.uint16)


def levels(image: Tensor) -> np.ndarray:
    """(1, 3, H, W) in [0, 1] as (H, W, 3) levels, which must be whole numbers."""
    scaled = image[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(scaled - scaled.round()).max() < 1e-3
    whole: np.ndarray = scaled.round().astype(np.uint8)
    return whole


def save(path: Path, pixels: np.ndarray = PIXELS, **options: object) -> Path:
    Image.fromarray(pixels).save(path, **options)  # type: ignore[arg-type]
    return path


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


def test_one_pixel_image(tmp_path: Path) -> None:
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
def test_damaged_metadata_is_ignored(tmp_path: Path) -> None:
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


def test_reading_from_several_threads(tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{i}.png", np.roll(PIXELS, i, axis=0)) for i in range(5)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(images.read_image, paths * 4))
    for i, image in enumerate(results):
        np.testing.assert_array_equal(levels(image), np.roll(PIXELS, i % 5, axis=0))


def test_pillow_round_trip() -> None:
    picture = Image.fromarray(PIXELS)
    np.testing.assert_array_equal(np.asarray(images.to_pil(images.from_pil(picture))), PIXELS)
    assert images.from_pil(picture).is_contiguous()
    with pytest.raises(ImageError, match="no pixels"):
        images.from_pil(Image.new("RGB", (0, 3)))


def test_pillow_globals_are_unchanged() -> None:
    assert Image.MAX_IMAGE_PIXELS == 1024 * 1024 * 1024 // 4 // 3
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.parametrize("suffix", [".jpe", ".jp2", ".mpo", ".apng"])
def test_rare_formats_are_read(tmp_path: Path, suffix: str) -> None:
    picture = Image.fromarray(np.full((6, 9, 3), 100, dtype=np.uint8))
    kind = {".jpe": "JPEG", ".jp2": "JPEG2000", ".mpo": "MPO", ".apng": "PNG"}[suffix]
    several = {"save_all": True, "append_images": [picture]} if suffix in (".mpo", ".apng") else {}
    picture.save(tmp_path / f"a{suffix}", kind, **several)
    assert images.check_image(tmp_path / f"a{suffix}") == (6, 9)
    assert (images.read_image(tmp_path / f"a{suffix}") * 255 - 100).abs().max() < 2


def test_write_image_to_a_device_file() -> None:
    assert images.output_format("/dev/null") == "PNG"
    images.write_image(torch.zeros(3, 2, 2), "/dev/null")
    assert Path("/dev/null").is_char_device()
