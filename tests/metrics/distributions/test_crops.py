from pathlib import Path

import numpy as np
import pytest
import torch

from ganstyle.data import StyleImages
from ganstyle.metrics.distributions.crops import Crops
from ganstyle.metrics.distributions.distances import distribution_distances
from ganstyle.metrics.distributions.frechet import frechet_distance
from ganstyle.metrics.distributions.kid import kernel_distance


@pytest.mark.parametrize(("pictures", "each"), [(1, 60), (4, 15), (7, 9), (60, 1), (500, 1)])
def test_number_of_crops(pictures: int, each: int) -> None:
    assert Crops.plan(pictures, 256) == Crops(128, each, 0)


def test_crops_depend_on_seed_and_index_only() -> None:
    picture = torch.rand(1, 3, 40, 60)
    crops = Crops(16, 3, seed=5)
    cut = crops.of_picture(picture, 2)
    assert [tuple(c.shape) for c in cut] == [(3, 16, 16)] * 3
    assert all(torch.equal(a, b) for a, b in zip(cut, crops.of_picture(picture, 2), strict=True))
    assert not torch.equal(cut[0], crops.of_picture(picture, 3)[0])
    assert not torch.equal(cut[0], Crops(16, 3, seed=6).of_picture(picture, 2)[0])
    windows = picture[0].unfold(1, 16, 1).unfold(2, 16, 1)
    for crop in cut:  # every crop is a piece of the picture, pixel by pixel
        assert ((windows - crop[:, None, None]).abs().amax((0, 3, 4)) == 0).any()
    assert crops.of_picture(torch.rand(1, 3, 8, 9), 0)[0].shape == (3, 16, 16)


def test_painting_is_cropped_at_the_style_size(painting: Path) -> None:
    paintings = StyleImages(painting)
    crops = Crops(12, 2)
    cut = crops.of_paintings(paintings, 5, shorter=24)
    assert [tuple(c.shape) for c in cut] == [(3, 12, 12)] * 5
    again = crops.of_paintings(paintings, 5, shorter=24)
    assert all(torch.equal(a, b) for a, b in zip(cut, again, strict=True))


def test_scores_are_named_after_the_extractor() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(9, 4)), rng.normal(size=(12, 4)) + 1
    values = distribution_distances({"style": a, "content": a[:1]}, {"style": b, "content": b}, "_vgg16")
    assert values == {
        "fid_vgg16_style": frechet_distance(a, b),
        "kid_vgg16_style": kernel_distance(a, b),
    }  # of one picture there is neither
    assert set(distribution_distances({"content": a}, {"content": b}, "")) == {"fid_content", "kid_content"}
