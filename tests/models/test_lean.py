from typing import Any

import pytest
import torch

from ganstyle.models import GENERATORS, LeanGenerator


def test_is_registered() -> None:
    assert GENERATORS["lean"] is LeanGenerator


def test_parameters() -> None:
    convs = 25 * 3 * 32 + 9 * (32 * 64 + 10 * 64 * 64 + 64 * 32 + 32 * 3) + 3
    norms = 2 * (32 + 64 + 10 * 64 + 32)
    assert sum(parameter.numel() for parameter in LeanGenerator().parameters()) == convs + norms


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_any_number_of_blocks(depth: int) -> None:
    image = LeanGenerator(width=2, depth=depth, blocks=1)(torch.rand(1, 3, 37, 50))
    assert image.shape == (1, 3, 37, 50)


def test_no_feature_map_at_full_size() -> None:
    """The picture with what pads it is the largest map of all."""
    largest = 0

    def note(_: torch.nn.Module, inputs: Any, output: torch.Tensor) -> None:
        nonlocal largest
        largest = max(largest, output.numel())

    model = LeanGenerator(width=12)
    for module in model.modules():
        module.register_forward_hook(note)
    model(torch.rand(1, 3, 64, 64))
    assert largest <= 3 * 72 * 72


@pytest.mark.parametrize(
    "keywords", [{"width": 0}, {"depth": 0}, {"blocks": 0}, {"kernel": 4}, {"width": 2.5}]
)
def test_bad_keywords(keywords: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(keywords))):
        LeanGenerator(**keywords)


@pytest.mark.parametrize(("height", "width"), [(97, 131), (2000, 300)])
def test_large_and_odd_images(height: int, width: int) -> None:
    with torch.inference_mode():
        image = LeanGenerator(width=2, blocks=1).eval()(torch.rand(1, 3, height, width))
    assert image.shape == (1, 3, height, width)
    assert image.isfinite().all()
