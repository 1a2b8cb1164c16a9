from typing import Any

import pytest
import torch

from ganstyle.models import GENERATORS, UNetGenerator


def test_is_registered() -> None:
    assert GENERATORS["unet"] is UNetGenerator


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_any_depth(depth: int) -> None:
    image = UNetGenerator(width=2, depth=depth, blocks=1)(torch.rand(1, 3, 37, 50))
    assert image.shape == (1, 3, 37, 50)


def test_skips_start_at_a_quarter_of_the_size() -> None:
    """The two finest decoder levels are given nothing but what comes from below."""
    model = UNetGenerator(width=4, depth=4)
    inputs = [up.get_submodule("conv.conv").get_parameter("weight").shape[1] for up in model.up]
    assert inputs == [16 + 16, 16 + 16, 16, 8]


def test_small_image() -> None:
    """At the smallest size the bottleneck's maps vary, so that the norm does not erase them."""
    torch.manual_seed(0)
    model = UNetGenerator(width=4, depth=4).eval()
    with torch.no_grad():
        first, second = model(torch.rand(1, 3, 6, 6)), model(torch.rand(1, 3, 6, 6))
    assert not torch.allclose(first, second, atol=1e-3)


@pytest.mark.parametrize("keywords", [{"width": 0}, {"depth": 0}, {"depth": 9}, {"blocks": 0}, {"kernel": 2}])
def test_bad_keywords(keywords: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(keywords))):
        UNetGenerator(**keywords)
