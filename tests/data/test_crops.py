import numpy as np
import pytest
import torch
from torch import Tensor

from ganstyle.data.crops import crop_square, random_crop


def ramps(height: int, width: int) -> Tensor:
    """An image whose channels tell the row and the column, in pixels / 1000."""
    rows = torch.arange(height)[:, None].expand(height, width)
    columns = torch.arange(width)[None].expand(height, width)
    return torch.stack([rows, columns, torch.zeros(height, width)]) / 1000


def span(channel: Tensor, dim: int) -> float:
    """The region's extent in source pixels, from the slope in the middle of a ramp."""
    line = channel.mean(dim=1 - dim) * 1000
    size = len(line)
    return float(line[3 * size // 4] - line[size // 4]) / (3 * size // 4 - size // 4) * size


@pytest.mark.parametrize(("height", "width"), [(90, 120), (240, 100), (40, 40), (3, 200), (1, 1)])
def test_size_type_and_range(height: int, width: int) -> None:
    image = torch.rand(3, height, width, generator=torch.Generator().manual_seed(0))
    for seed in range(8):
        crop = random_crop(image, 64, np.random.default_rng(seed))
        assert crop.shape == (3, 64, 64)
        assert crop.dtype == torch.float32
        assert crop.is_contiguous()
        assert 0 <= crop.min() <= crop.max() <= 1


def test_same_generator_state_gives_the_same_crop() -> None:
    image = ramps(90, 120)
    crops = [random_crop(image, 32, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert torch.equal(crops[0], crops[1])
    assert not torch.equal(crops[0], crops[2])


def test_scales_fill_the_range_and_proportions_are_kept() -> None:
    image = ramps(300, 400)
    scales = []
    for seed in range(120):
        crop = random_crop(image, 64, np.random.default_rng(seed), scale=(1.0, 2.0))
        rows, columns = span(crop[0], 0), abs(span(crop[1], 1))
        assert rows == pytest.approx(columns, rel=0.02)
        scales.append(300 / rows)
    assert 0.98 < min(scales) < 1.1
    assert 1.9 < max(scales) < 2.02
    assert np.mean(scales) == pytest.approx(1.5, abs=0.08)


def test_crops_reach_all_edges_and_half_are_flipped() -> None:
    image = ramps(60, 80)
    crops = [random_crop(image, 20, np.random.default_rng(s), scale=(3.0, 3.0)) for s in range(300)]
    tops = {round(float(crop[0].min()) * 1000) for crop in crops}
    lefts = {round(float(crop[1].min()) * 1000) for crop in crops}
    assert (min(tops), max(tops)) == (0, 40)
    assert (min(lefts), max(lefts)) == (0, 60)
    mirrored = sum(bool(crop[1, 0, 0] > crop[1, 0, -1]) for crop in crops)
    assert 110 < mirrored < 190


def test_flip_off_keeps_the_same_crops() -> None:
    image = ramps(60, 80)
    for seed in range(20):
        free = random_crop(image, 16, np.random.default_rng(seed))
        plain = random_crop(image, 16, np.random.default_rng(seed), flip=False)
        assert plain[1, 0, 0] < plain[1, 0, -1]
        assert torch.equal(free, plain) or torch.equal(free, plain.flip(-1))


def test_square_of_the_crop_size_is_unchanged() -> None:
    image = ramps(30, 50)
    crop = crop_square(image, 12, 12, np.random.default_rng(0), flip=False)
    top, left = (round(float(crop[c, 0, 0]) * 1000) for c in (0, 1))
    assert torch.equal(crop, image[:, top : top + 12, left : left + 12])


def test_one_pixel_photo_fills_the_crop() -> None:
    image = torch.tensor([0.2, 0.5, 0.9])[:, None, None]
    crop = random_crop(image, 16, np.random.default_rng(0))
    torch.testing.assert_close(crop, image.expand(3, 16, 16))


@pytest.mark.parametrize("scale", [(0.5, 1.0), (2.0, 1.0), (1.0, float("nan"))])
def test_wrong_scales_are_refused(scale: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="scale"):
        random_crop(ramps(9, 9), 4, np.random.default_rng(0), scale=scale)


def test_wrong_size_is_refused() -> None:
    with pytest.raises(ValueError, match="size"):
        random_crop(ramps(9, 9), 0, np.random.default_rng(0))
