from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganstyle.data.style import StyleImages
from ganstyle.errors import DataError, ImageError
from ganstyle.images import read_image


def write_ramp(path: Path, height: int, width: int) -> None:
    """Red tells the column, green the row; one level per pixel."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[..., 0] = np.arange(width)
    pixels[..., 1] = np.arange(height)[:, None]
    Image.fromarray(pixels).save(path)


def test_one_painting(tmp_path: Path) -> None:
    write_ramp(tmp_path / "a.png", 90, 120)
    style = StyleImages(tmp_path / "a.png")
    assert len(style) == 1
    assert style.paths == [tmp_path / "a.png"]
    assert torch.equal(style.images[0], read_image(tmp_path / "a.png"))


def test_patch_scale(tmp_path: Path) -> None:
    write_ramp(tmp_path / "a.png", 200, 240)
    style = StyleImages(tmp_path / "a.png")
    scales = []
    for seed in range(200):
        patch = style.random_patch(np.random.default_rng(seed), 40, 100, scale=(0.5, 2.0))
        assert patch.shape == (3, 40, 40)
        assert patch.dtype == torch.float32
        assert 0 <= patch.min() <= patch.max() <= 1
        rows = patch[1].mean(dim=1) * 255
        slope = float(rows[30] - rows[10]) / 20  # source pixels per patch pixel
        scales.append(200 / slope / 100)
    assert 0.47 < min(scales) < 0.6
    assert 1.85 < max(scales) < 2.1
    assert np.mean(scales) == pytest.approx(1.25, abs=0.1)


def test_patches_depend_only_on_the_rng(tmp_path: Path) -> None:
    write_ramp(tmp_path / "a.png", 60, 60)
    style = StyleImages(tmp_path / "a.png")
    patches = [style.random_patch(np.random.default_rng(seed), 16, 40) for seed in (4, 4, 5)]
    assert torch.equal(patches[0], patches[1])
    assert not torch.equal(patches[0], patches[2])


def test_patch_flip_off_never_mirrors(tmp_path: Path) -> None:
    write_ramp(tmp_path / "a.png", 60, 60)
    style = StyleImages(tmp_path / "a.png")
    for flip in (False, True):
        patches = [style.random_patch(np.random.default_rng(s), 16, 40, flip=flip) for s in range(40)]
        mirrored = sum(bool(patch[0, 8, 2] > patch[0, 8, -2]) for patch in patches)
        assert 8 < mirrored < 32 if flip else mirrored == 0


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 50), (20, 9)])
def test_tiny_paintings_are_enlarged(tmp_path: Path, height: int, width: int) -> None:
    write_ramp(tmp_path / "tiny.png", height, width)
    style = StyleImages(tmp_path / "tiny.png")
    for seed in range(10):
        assert style.random_patch(np.random.default_rng(seed), 64, 32).shape == (3, 64, 64)


def test_folder_gives_patches_of_all_paintings(tmp_path: Path) -> None:
    for name in ("red", "lime", "blue"):
        Image.new("RGB", (20, 30), name).save(tmp_path / f"{name}.png")
    (tmp_path / "text.jpg").write_text("no painting")
    with pytest.warns(UserWarning, match="skipped 1 of 4"):
        style = StyleImages(tmp_path)
    assert len(style) == 3
    patches = [style.random_patch(np.random.default_rng(seed), 8, 16) for seed in range(90)]
    counts = torch.bincount(torch.tensor([int(patch[:, 4, 4].argmax()) for patch in patches]))
    assert counts.min() >= 18


def test_truncated_paintings_of_a_folder_are_skipped(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match="no painting in it can be decoded"):
        StyleImages(tmp_path)
    write_ramp(tmp_path / "b.png", 9, 9)
    with pytest.warns(UserWarning, match="skipped 1 unreadable paintings"):
        assert StyleImages(tmp_path).paths == [tmp_path / "b.png"]


def test_large_paintings_can_be_reduced(tmp_path: Path) -> None:
    write_ramp(tmp_path / "a.png", 90, 120)
    assert StyleImages(tmp_path / "a.png", max_shorter=30).images[0].shape == (1, 3, 30, 40)
    assert StyleImages(tmp_path / "a.png", max_shorter=200).images[0].shape == (1, 3, 90, 120)


def test_bad_paths_and_numbers_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such file"):
        StyleImages(tmp_path / "missing.jpg")
    with pytest.raises(DataError, match="holds no image files"):
        StyleImages(tmp_path)
    write_ramp(tmp_path / "a.png", 9, 9)
    style = StyleImages(tmp_path / "a.png")
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="must be >= 1"):
        style.random_patch(rng, 0, 16)
    with pytest.raises(ValueError, match="must be >= 1"):
        style.random_patch(rng, 8, 16, scale=(0.0, 1.0))


def test_unreadable_paintings_are_reported(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "a.png")
    (tmp_path / "b.jxl").write_bytes(b"x")
    with pytest.warns(UserWarning, match=r"left out 1 .*b\.jxl"):
        assert len(StyleImages(tmp_path)) == 1
