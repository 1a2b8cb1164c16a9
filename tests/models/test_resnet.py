from typing import Any

import pytest
import torch
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


def test_output_follows_its_input_in_place() -> None:
    """A bright pixel moved by four pixels moves the response by four pixels: nothing is shifted."""
    torch.manual_seed(0)
    model = ResNetGenerator(width=4, blocks=1, kernel=3).eval()
    gray = torch.full((1, 3, 64, 64), 0.5)
    here, there = gray.clone(), gray.clone()
    here[..., 30:32, 28:30] = 1
    there[..., 30:32, 32:34] = 1
    with torch.no_grad():
        torch.testing.assert_close(
            model(here)[..., 24:40, 20:40], model(there)[..., 24:40, 24:44], atol=1e-4, rtol=0
        )
