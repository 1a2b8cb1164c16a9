import pytest
import torch

from ganstyle.losses import image_pyramid, missing_octaves, usable_octaves, usable_pyramid
from ganstyle.losses.pyramid import average_halving, binomial_halving


def test_pyramid_halves_by_2x2_averages() -> None:
    image = torch.arange(16.0).view(1, 1, 4, 4).expand(1, 3, 4, 4)
    whole, half, quarter = image_pyramid(image, 3, average_halving)
    assert torch.equal(whole, image)
    assert half[0, 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]
    assert quarter[0, 0].tolist() == [[7.5]]


def test_pyramid_drops_the_last_row_of_an_odd_side() -> None:
    assert [tuple(i.shape[-2:]) for i in image_pyramid(torch.zeros(1, 3, 7, 10), 3, average_halving)] == [
        (7, 10),
        (3, 5),
        (1, 2),
    ]


@pytest.mark.parametrize(
    ("side", "octaves", "usable"),
    [(256, 4, 4), (128, 4, 4), (127, 4, 3), (64, 4, 3), (31, 4, 1), (1, 4, 1), (512, 1, 1), (2048, 8, 8)],
)
def test_usable_octaves(side: int, octaves: int, usable: int) -> None:
    assert usable_octaves(side, octaves) == usable


def test_binomial_halving_keeps_flats_and_slopes() -> None:
    assert torch.allclose(binomial_halving(torch.full((1, 3, 9, 6), 0.3)), torch.tensor(0.3))
    slope = torch.arange(16.0).expand(1, 3, 8, 16)
    torch.testing.assert_close(binomial_halving(slope)[..., 1:-1], average_halving(slope)[..., 1:-1])


def test_binomial_halving_has_the_size_of_averages() -> None:
    for size in ((7, 10), (8, 5), (2, 3)):
        image = torch.rand(2, 3, *size, dtype=torch.float64)
        assert binomial_halving(image).shape == average_halving(image).shape
        assert binomial_halving(image).dtype == torch.float64


def test_binomial_halving_lets_less_through_that_the_half_cannot_show() -> None:
    wave = torch.cos(torch.arange(64.0) * 2 * torch.pi * 3 / 8).expand(
        1, 1, 64, 64
    )  # beyond the half's limit
    smooth, averages = (halve(wave)[..., 2:-2].abs().max() for halve in (binomial_halving, average_halving))
    assert smooth < 0.2 * averages


def test_usable_pyramid_leaves_out_sizes_that_are_too_small() -> None:
    image = torch.rand(1, 3, 64, 200)
    assert [min(i.shape[-2:]) for i in usable_pyramid(image, 8)] == [64, 32, 16]
    for found, expected in zip(usable_pyramid(image, 2), image_pyramid(image, 2), strict=True):
        assert torch.equal(found, expected)
    assert torch.equal(usable_pyramid(image, 2, average_halving)[1], average_halving(image))


def test_missing_octaves() -> None:
    assert missing_octaves(128, 4) is None
    assert missing_octaves(24, 4) == "24 px are enough for 1 of 4 octaves; the largest forms are left out"
