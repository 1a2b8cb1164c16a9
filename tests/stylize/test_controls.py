from pathlib import Path

import pytest
import torch

from ganstyle.errors import GanstyleError, ImageError
from ganstyle.images import write_image
from ganstyle.stylize import Controls, fit_mask, read_mask


@pytest.mark.parametrize("strength", [-0.1, 1.51, float("nan"), float("inf")])
def test_strength_has_a_range(strength: float) -> None:
    with pytest.raises(GanstyleError, match=r"give a number from 0 to 1\.5"):
        Controls(strength=strength)


@pytest.mark.parametrize(
    "mask",
    [
        torch.rand(1, 4, 4),
        torch.rand(1, 3, 4, 4),
        torch.rand(2, 1, 4, 4),
        torch.ones(1, 1, 4, 4, dtype=torch.uint8),
        torch.full((1, 1, 4, 4), 255.0),
        torch.full((1, 1, 4, 4), float("nan")),
        torch.rand(1, 1, 0, 4),
    ],
    ids=["flat", "color", "two", "bytes", "range", "nan", "empty"],
)
def test_a_mask_has_a_shape_and_a_range(mask: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="mask"):
        Controls(mask=mask)


def test_mask_white_is_painted(tmp_path: Path) -> None:
    image = torch.zeros(3, 2, 4)
    image[..., 2:] = 1
    write_image(image, tmp_path / "mask.png")
    mask = read_mask(tmp_path / "mask.png")
    torch.testing.assert_close(mask, image[None, :1])
    Controls(mask=mask)


@pytest.mark.parametrize(
    ("mask", "photo"),
    [
        ((4, 6), (4, 6)),
        ((4, 6), (400, 600)),
        ((333, 500), (2, 3)),
        ((67, 100), (2000, 3000)),
        ((7, 5), (3, 2)),
    ],
)
def test_a_mask_of_the_photos_proportions_is_resized(mask: tuple[int, int], photo: tuple[int, int]) -> None:
    ramp = torch.linspace(0, 1, mask[1]).expand(1, 1, *mask)
    fitted = fit_mask(ramp, photo)
    assert fitted.shape == (1, 1, *photo)
    assert fitted.min() >= 0
    assert fitted.max() <= 1
    assert (fitted.diff(dim=-1) >= 0).all()


@pytest.mark.parametrize(
    ("mask", "photo"), [((4, 6), (6, 4)), ((100, 100), (100, 110)), ((20, 30), (300, 400))]
)
def test_mask_of_other_proportions_is_an_error(mask: tuple[int, int], photo: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match="aspect ratio"):
        fit_mask(torch.rand(1, 1, *mask), photo)
