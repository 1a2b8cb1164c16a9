import pytest
import torch
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys import GatysSettings, ScaleInputs, optimize
from ganstyle.gatys.objective import style_term
from ganstyle.gatys.regions import region_style_term
from ganstyle.losses.regions import Regions

LAYERS = {"only": 1.0}


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def features(image: Tensor) -> dict[str, Tensor]:
    return {"only": torch.cat([image, image.square()], 1)}


def regions(masks: Tensor, *labels: str) -> Regions:
    return Regions("mask.png", labels or [f"#{n:06x}" for n in range(len(masks))], masks)


def halves(height: int, width: int, *, swapped: bool = False) -> Regions:
    left = (torch.arange(width) < width // 2).expand(height, width).float()
    masks = torch.stack([left, 1 - left]).unsqueeze(1)
    return regions(masks.flip(0) if swapped else masks)


def test_single_region_equals_unmasked_style_term() -> None:
    picture = random(1, 3, 8, 10)
    inputs = ScaleInputs((8, 10), None, [random(1, 3, 9, 7, seed=1), random(1, 3, 6, 6, seed=2)], features)
    make = region_style_term(
        LAYERS,
        content_regions=regions(torch.ones(1, 1, 8, 10)),
        style_regions=[regions(torch.ones(1, 1, 9, 7)), regions(torch.ones(1, 1, 6, 6))],
        style_weights=[1.0, 3.0],
    )
    expected = style_term(LAYERS, [1.0, 3.0])(inputs)(picture, [features(picture)])
    torch.testing.assert_close(make(inputs)(picture, [features(picture)]), expected)


def test_each_region_takes_the_color_of_its_painting() -> None:
    """The painting is red on the right and blue on the left; the mask asks for the reverse."""
    painting = torch.zeros(1, 3, 12, 12)
    painting[:, 0, :, 6:], painting[:, 2, :, :6] = 0.8, 0.8
    term = region_style_term(
        LAYERS, content_regions=halves(32, 32), style_regions=[halves(12, 12, swapped=True)]
    )
    result = optimize(
        None,
        painting,
        features=features,
        settings=GatysSettings(steps=30, scales=(8, 16), size=16, tv_weight=0.0),
        terms={"style": (30.0, term)},
    ).image
    red, _, blue = result.view(3, 16, 2, 8).mean((1, 3))
    assert red[0] > 0.5 > 0.2 > blue[0]
    assert blue[1] > 0.5 > 0.2 > red[1]


@pytest.mark.parametrize("weights", [[1.0], [1.0, 1.0]])
def test_masks_for_several_paintings(weights: list[float]) -> None:
    inputs = ScaleInputs((8, 8), None, [random(1, 3, 8, 8), random(1, 3, 8, 8, seed=1)], features)
    make = region_style_term(
        LAYERS, content_regions=halves(8, 8), style_regions=[halves(8, 8)], style_weights=weights
    )
    with pytest.raises(GanstyleError, match=r"1 style masks and . weights for 2 paintings"):
        make(inputs)


def test_photo_and_painting_need_the_same_regions() -> None:
    with pytest.raises(GanstyleError, match=r"mask\.png: the mask lacks #000001"):
        region_style_term(
            LAYERS, content_regions=halves(8, 8), style_regions=[regions(torch.ones(1, 1, 8, 8))]
        )
