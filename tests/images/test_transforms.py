import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as tv

from ganstyle import images

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(3, 4), (5, 7), (16, 9), (1, 1)])
def test_resize_agrees_with_torchvision(size: tuple[int, int]) -> None:
    image = torch.from_numpy(PIXELS).permute(2, 0, 1)[None].float() / 255
    expected = tv.resize(image, list(size), interpolation=tv.InterpolationMode.BICUBIC, antialias=True)
    for given in (image, image[0]):
        resized = images.resize(given, size)
        assert resized.shape == (*given.shape[:-2], *size)
        torch.testing.assert_close(resized.reshape(1, 3, *size), expected.clamp(0, 1))


def test_resize_stays_in_range() -> None:
    edges = torch.zeros(1, 3, 8, 8)
    edges[..., 4:] = 1
    resized = images.resize(edges, (16, 16))
    assert resized.min() == 0
    assert resized.max() == 1
    torch.testing.assert_close(images.resize(torch.full((3, 1, 1), 0.3), (4, 5)), torch.full((3, 4, 5), 0.3))


@pytest.mark.parametrize(
    ("size", "shorter", "expected"),
    [((10, 20), 5, (5, 10)), ((20, 10), 5, (10, 5)), ((9, 9), 9, (9, 9)), ((2, 301), 1, (1, 150))],
)
def test_resize_shorter(size: tuple[int, int], shorter: int, expected: tuple[int, int]) -> None:
    assert images.resize_shorter(torch.rand(1, 3, *size), shorter).shape[-2:] == expected


@pytest.mark.parametrize(
    ("size", "longer", "expected"),
    [((40, 20), 10, (10, 5)), ((20, 40), 10, (5, 10)), ((8, 9), 10, (8, 9)), ((1, 500), 10, (1, 10))],
)
def test_shrink(size: tuple[int, int], longer: int, expected: tuple[int, int]) -> None:
    image = torch.rand(1, 3, *size)
    assert images.shrink(image, longer).shape[-2:] == expected
    assert torch.equal(images.shrink(image, max(size)), image)


def test_central_square() -> None:
    image = torch.rand(1, 3, 5, 9)
    assert torch.equal(images.central_square(image, 5), image[..., 2:7])
    assert torch.equal(images.central_square(image.mT, 5), image.mT[..., 2:7, :])
    assert images.central_square(image, 3).shape == (1, 3, 3, 3)


def test_image_grid() -> None:
    three = torch.stack([torch.full((3, 2, 4), value) for value in (0.1, 0.2, 0.3)])
    grid = images.image_grid(three, columns=2)
    assert grid.shape == (3, 2 * 2 + 3 * 2, 2 * 4 + 3 * 2)
    assert grid[0, 2].tolist() == pytest.approx([1, 1] + [0.1] * 4 + [1, 1] + [0.2] * 4 + [1, 1])
    assert grid[0, 6].tolist() == pytest.approx([1, 1] + [0.3] * 4 + [1] * 8)
    assert grid[:, :2].min() == 1
    assert images.image_grid(three, columns=5).shape == (3, 6, 5 * 6 + 2)


def noise(height: int, width: int) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))


def test_with_detail_keeps_the_coarse_image_and_the_fine_edges() -> None:
    coarse, fine = images.resize(noise(3, 4), (12, 16)) / 2 + 0.25, torch.full((1, 3, 96, 128), 0.5)
    joined = images.with_detail(coarse, fine)
    assert joined.shape == fine.shape
    torch.testing.assert_close(images.resize(joined, (12, 16)), coarse, atol=0.03, rtol=0)


@pytest.mark.parametrize("size", [(12, 16), (48, 64), (95, 127)])
def test_with_detail_restores_an_untouched_photo(size: tuple[int, int]) -> None:
    photo = noise(96, 128)
    small = images.resize(photo, size)
    torch.testing.assert_close(images.with_detail(small, photo), photo)
    torch.testing.assert_close(images.with_detail(small, photo, seen=small), photo)


def test_with_detail_enlarges_changes() -> None:
    photo = torch.full((1, 3, 32, 48), 0.5)
    small = images.resize(photo, (16, 24))
    torch.testing.assert_close(images.with_detail(small + 0.25, photo, seen=small), photo + 0.25)
    assert images.with_detail(small + 9, photo, seen=small).max() == 1


def test_enlarge_is_linear() -> None:
    one, two = noise(8, 12), noise(8, 12) * 9
    together = images.enlarge(one, (16, 24)) + images.enlarge(two, (16, 24))
    torch.testing.assert_close(images.enlarge(one + two, (16, 24)), together)
