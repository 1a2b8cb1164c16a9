"""Color profiles are converted to sRGB."""

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from torch import Tensor

from ganstyle import images

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)


def levels(image: Tensor) -> np.ndarray:
    """(1, 3, H, W) in [0, 1] as (H, W, 3) levels of 8 bits."""
    rounded: np.ndarray = (image[0].permute(1, 2, 0) * 255).round().numpy().astype(np.uint8)
    return rounded


def save(path: Path, pixels: np.ndarray = PIXELS, **options: object) -> Path:
    Image.fromarray(pixels).save(path, **options)  # type: ignore[arg-type]
    return path


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


@pytest.mark.parametrize("gamma", [1.0, 1.8])
def test_profile_of_a_16_bit_gray_image(tmp_path: Path, gamma: float) -> None:
    profile, ramp = icc_profile(b"GRAY", gamma), np.arange(256, dtype=np.uint8)[None]
    shallow = images.read_image(save(tmp_path / "8.png", ramp, icc_profile=profile))
    deep = images.read_image(save(tmp_path / "16.png", ramp.astype(np.uint16) * 257, icc_profile=profile))
    np.testing.assert_allclose(deep, shallow, atol=1.5 / 255)
    between = np.linspace(0, 65535, 5000, dtype=np.uint16)[None]
    smooth = images.read_image(save(tmp_path / "between.png", between, icc_profile=profile))
    assert (smooth.diff() > 0).all()


@pytest.mark.parametrize("profile", [None, b"no profile", icc_profile(b"RGB ", 1.0)])
def test_16_bit_gray_without_a_usable_profile(tmp_path: Path, profile: bytes | None) -> None:
    ramp = np.linspace(0, 65535, 300, dtype=np.uint16)[None]
    image = images.read_image(save(tmp_path / "a.png", ramp, icc_profile=profile))
    np.testing.assert_array_equal(image[0, 0], ramp.astype(np.float32) / 65535)


def test_profile_of_srgb_changes_nothing(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = save(tmp_path / "a.png", icc_profile=profile)
    np.testing.assert_allclose(levels(images.read_image(path)).astype(int), PIXELS, atol=1)


@pytest.mark.parametrize("profile", [b"no profile", icc_profile(b"GRAY", 1.0)])
def test_unusable_profile_is_ignored(tmp_path: Path, profile: bytes) -> None:
    path = save(tmp_path / "a.png", icc_profile=profile)
    np.testing.assert_array_equal(levels(images.read_image(path)), PIXELS)
