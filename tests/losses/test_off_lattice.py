"""Images moved off the lattice that generators and losses share."""

import numpy as np
import pytest
import torch

from ganstyle.losses import off_lattice


def test_off_lattice_shifts_picture_and_photo_alike() -> None:
    picture, photo = torch.rand(2, 3, 24, 32), torch.rand(2, 3, 24, 32)
    first, second = off_lattice([picture, photo], np.random.default_rng(0))
    together = off_lattice([torch.cat([picture, photo], 1)], np.random.default_rng(0))[0]
    assert torch.equal(torch.cat([first, second], 1), together)


def test_off_lattice_keeps_every_pixel_and_meets_every_phase() -> None:
    image, found = torch.rand(1, 3, 24, 24), set()
    for seed in range(800):
        (shifted,) = off_lattice([image], np.random.default_rng(seed))
        assert shifted.shape == (1, 3, 32, 32)
        (place,) = [
            (top, left)
            for top in range(9)
            for left in range(9)
            if torch.equal(shifted[..., top : top + 24, left : left + 24], image)
        ]
        found.add((place[0] % 8, place[1] % 8))
    assert found == {(top, left) for top in range(8) for left in range(8)}


@pytest.mark.parametrize("side", [1, 4, 8, 9])
def test_off_lattice_takes_small_images(side: int) -> None:
    (shifted,) = off_lattice([torch.rand(1, 3, side, side)], np.random.default_rng(0))
    assert shifted.shape == (1, 3, side + 8, side + 8)
