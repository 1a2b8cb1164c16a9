"""Crops without edges: faded into each other, painted as one period, and seen through a random window."""

import numpy as np
import pytest
import torch
from torch import Tensor

from ganstyle.data.periodic import crop_side, make_periodic, random_window
from ganstyle.models import GENERATORS, wrapping_around

SIZES = [1, 3, 4, 8, 9, 32, 100, 256]


def largest_step(image: Tensor, dim: int) -> Tensor:
    return (image - image.roll(1, dim)).abs().max()


@pytest.mark.parametrize("size", SIZES)
def test_periodic_sides(size: int) -> None:
    side = crop_side(size)
    made = make_periodic(torch.rand(2, 3, side, side), size)
    assert made.shape[-1] == made.shape[-2]
    assert size <= made.shape[-1] <= side
    (window,) = random_window([made], size, np.random.default_rng(0))
    assert window.shape == (2, 3, size, size)


@pytest.mark.parametrize("dim", [-2, -1])
def test_make_periodic_leaves_no_step(dim: int) -> None:
    side = crop_side(64)
    ramp = torch.linspace(0, 1, side)
    crop = (ramp if dim == -1 else ramp[:, None]).expand(1, 3, side, side)
    step = 1 / (side - 1)
    made = make_periodic(crop, 64)
    period = made.shape[-1]
    # The fade climbs down by a period's ramp within the pixels that fade, less the ramp's own step.
    assert largest_step(made, dim) <= step * period / (side - period)


def test_make_periodic_keeps_the_inside() -> None:
    side = crop_side(64)
    crop = torch.rand(1, 3, side, side)
    made = make_periodic(crop, 64)
    faded = side - made.shape[-1]
    inside = slice(faded, made.shape[-1])
    assert torch.equal(made[..., inside, inside], crop[..., inside, inside])
    assert torch.equal(made[..., inside, 0], crop[..., inside, made.shape[-1]])


def test_random_window_cuts_all_alike() -> None:
    picture, photo = torch.rand(2, 3, 24, 32), torch.rand(2, 3, 24, 32)
    first, second = random_window([picture, photo], 20, np.random.default_rng(0))
    (together,) = random_window([torch.cat([picture, photo], 1)], 20, np.random.default_rng(0))
    assert torch.equal(torch.cat([first, second], 1), together)


def test_random_window_meets_every_place() -> None:
    rows, columns = torch.meshgrid(torch.arange(9), torch.arange(9), indexing="ij")
    places = torch.stack([rows, columns, rows])[None].float()
    found = set()
    for seed in range(1000):
        (window,) = random_window([places], 8, np.random.default_rng(seed))
        found.add((int(window[0, 0, 0, 0]), int(window[0, 1, 0, 0])))
    assert found == {(top, left) for top in range(9) for left in range(9)}


@pytest.mark.parametrize("name", ["resnet", "unet"])  # lean repeats a pixel, so it is off by that one
def test_wrapping_around_leaves_no_edges(name: str) -> None:
    """A moved photo gives the moved picture, so nothing tells where the photo begins."""
    torch.manual_seed(0)
    generator = GENERATORS[name](width=8).eval()
    photo = torch.rand(1, 3, 96, 96)
    with torch.no_grad(), wrapping_around(generator):
        moved = generator(photo.roll((32, 64), (-2, -1)))
        torch.testing.assert_close(moved, generator(photo).roll((32, 64), (-2, -1)), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", GENERATORS)
def test_wrapping_around_ends(name: str) -> None:
    torch.manual_seed(0)
    generator = GENERATORS[name](width=8).eval()
    photo = torch.rand(1, 3, 63, 63)
    with torch.no_grad():
        reflected = generator(photo)
        with wrapping_around(generator):
            assert not torch.allclose(generator(photo), reflected, atol=1e-3)
        assert torch.equal(generator(photo), reflected)
