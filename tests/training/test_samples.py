from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ganstyle.data import ContentSource, open_content
from ganstyle.training.samples import Samples
from tests.reflected import paint_reflected

CPU = torch.device("cpu")


class Negative(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 1 - x


@pytest.fixture
def source(photos: Path) -> ContentSource:
    return open_content("folder", path=photos)


def test_each_photo_is_beside_its_picture(source: ContentSource) -> None:
    grid = Samples(source, 2, size=16).grid(Negative(), CPU)
    assert grid.shape[0] == 3
    assert float(grid.min()) >= 0
    assert float(grid.max()) <= 1
    # Tiles of 16 pixels, two pixels apart.
    tiles = [grid[:, 2:18, left : left + 16] for left in (2, 20, 38, 56)]
    for photo, picture in ((0, 1), (2, 3)):
        torch.testing.assert_close(tiles[photo] + tiles[picture], torch.ones(3, 16, 16))
    assert not torch.equal(tiles[0], tiles[2])


def test_samples_use_the_same_photos(source: ContentSource) -> None:
    one, two = (Samples(source, 3, size=16).grid(nn.Identity(), CPU) for _ in range(2))
    assert torch.equal(one, two)


@pytest.mark.parametrize(("count", "shown"), [(1, 1), (3, 3), (9, 3)])
def test_as_many_photos_as_there_are(source: ContentSource, count: int, shown: int) -> None:
    calls: list[int] = []

    def generator(x: Tensor) -> Tensor:
        calls.append(len(x))
        return x

    Samples(source, count, size=16).grid(generator, CPU)  # type: ignore[arg-type]
    assert calls == [1] * shown


def test_sample_grid_with_fewer_photos(source: ContentSource) -> None:
    samples = Samples(source, 3, size=16)
    assert samples.grid(nn.Identity(), CPU, count=1).shape[-2] < samples.grid(nn.Identity(), CPU).shape[-2]


def test_no_gradient_is_recorded(source: ContentSource) -> None:
    layer = nn.Conv2d(3, 3, 1)
    assert not Samples(source, 1, size=16).grid(layer, CPU).requires_grad


def test_samples_show_what_users_see(source: ContentSource) -> None:
    """Photos are reflected outward before they are painted, as in `ganstyle stylize`."""
    layer = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.Sigmoid())
    grid = Samples(source, 1, size=16).grid(layer, CPU)
    photo, picture = grid[None, :, 2:18, 2:18], grid[None, :, 2:18, 20:36]
    torch.testing.assert_close(picture, paint_reflected(layer, photo))
