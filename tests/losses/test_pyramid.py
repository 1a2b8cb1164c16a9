import pytest
import torch

from ganstyle.losses import image_pyramid, usable_octaves


def test_pyramid_halves_by_2x2_averages() -> None:
    image = torch.arange(16.0).view(1, 1, 4, 4).expand(1, 3, 4, 4)
    whole, half, quarter = image_pyramid(image, 3)
    assert torch.equal(whole, image)
    assert half[0, 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]
    assert quarter[0, 0].tolist() == [[7.5]]


def test_pyramid_drops_the_last_row_of_an_odd_side() -> None:
    assert [tuple(i.shape[-2:]) for i in image_pyramid(torch.zeros(1, 3, 7, 10), 3)] == [
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
