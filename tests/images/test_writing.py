"""Writing images: rounding, formats, and disks that refuse."""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from ganstyle import images
from ganstyle.errors import GanstyleError, ImageError

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)


def save(path: Path, pixels: np.ndarray = PIXELS, **options: object) -> Path:
    Image.fromarray(pixels).save(path, **options)  # type: ignore[arg-type]
    return path


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
def test_non_finite_pixels_are_refused(tmp_path: Path, bad: float) -> None:
    image = torch.zeros(3, 4, 4)
    image[1, 2, 3] = bad
    with pytest.raises(ImageError, match=r"a\.png: .*not finite"):
        images.write_image(image, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "image", [torch.zeros(4, 4), torch.zeros(1, 4, 4), torch.zeros(2, 3, 4, 4), torch.zeros(3, 0, 4)]
)
def test_wrong_shapes_are_a_value_error(tmp_path: Path, image: Tensor) -> None:
    with pytest.raises(ValueError, match="shape"):
        images.write_image(image, tmp_path / "a.png")
    with pytest.raises(ValueError, match="uint8"):
        images.to_pil(torch.zeros(3, 4, 4, dtype=torch.uint8))


def test_output_format() -> None:
    suffixes = (".png", ".JPG", ".webp", ".avif", ".tif", ".TIFF")
    formats = [images.output_format(f"x/a{suffix}") for suffix in suffixes]
    assert formats == ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "TIFF"]
    for name in ("a.gif", "a.bmp", "a", ".png", "a.png.bak"):
        with pytest.raises(ImageError, match=r"use \.png, \.jpg or \.webp"):
            images.output_format(name)
    with pytest.raises(ImageError, match=r"a\.gif"):
        images.write_image(torch.zeros(3, 2, 2), "a.gif")


def test_size_limit_of_formats(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"17000x1 pixels cannot be written as WEBP .*try \.png"):
        images.write_image(torch.zeros(3, 1, 17_000), tmp_path / "a.webp")
    with pytest.raises(ImageError, match=r"66000x1 pixels cannot be written as JPEG"):
        images.write_image(torch.zeros(3, 1, 66_000), tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []


def test_full_disk_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_failed_write_is_one_line(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png")
    before = path.read_bytes()
    noise = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
    with files_of_at_most(4096), pytest.raises(GanstyleError, match=r"a\.png: cannot be written"):
        images.write_image(noise, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_encode_jpeg() -> None:
    image = torch.linspace(0, 1, 32).expand(1, 3, 16, 32)
    content = images.encode_jpeg(image)
    assert content.startswith(b"\xff\xd8")
    assert (images.decode_image(content, "x") - image).abs().max() < 0.03
    assert len(images.encode_jpeg(image, quality=20)) < len(content)
