from typing import Any

import pytest
from torch import nn

from ganstyle.models import GENERATORS, ResNetGenerator


def test_a_quarter_of_the_parameters_at_half_the_width() -> None:
    def count(model: nn.Module) -> int:
        return sum(parameter.numel() for parameter in model.parameters())

    # Johnson et al.: 9x9, two of stride 2, ten of 128 channels, two up, 9x9. Norms carry two values
    # a channel; only the last convolution has a bias.
    convs = 81 * 3 * 32 + 9 * (32 * 64 + 64 * 128 + 10 * 128 * 128 + 128 * 64 + 64 * 32)
    convs += 81 * 32 * 3 + 3
    norms = 2 * (32 + 64 + 128 + 10 * 128 + 64 + 32)
    assert count(ResNetGenerator()) == convs + norms
    assert 0.41e6 < count(ResNetGenerator(width=16, kernel=5)) < 0.44e6


def test_is_registered() -> None:
    assert GENERATORS["resnet"] is ResNetGenerator


@pytest.mark.parametrize(
    "keywords", [{"width": 0}, {"blocks": 0}, {"kernel": 4}, {"kernel": -1}, {"width": 2.5}]
)
def test_bad_keywords(keywords: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(keywords))):
        ResNetGenerator(**keywords)
