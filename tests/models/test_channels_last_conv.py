from typing import Literal

import pytest
import torch
from torch.nn import functional as F

from ganstyle.models.channels_last_conv import ChannelsLastConv2d, replicate_channels_last


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (1, 8, 1, 1), (1, 1, 4, 1)])
@pytest.mark.parametrize("padding", [(1, 1, 1, 1), (1, 1, 0, 0), (0, 0, 2, 2)])
def test_replication_equals_torch(
    layout: torch.memory_format, shape: tuple[int, ...], padding: tuple[int, ...]
) -> None:
    maps = torch.rand(shape).to(memory_format=layout).requires_grad_()
    expected = F.pad(maps, padding, mode="replicate")
    result = replicate_channels_last(maps, padding)
    assert torch.equal(result, expected)
    gradient = torch.rand_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad(result, maps, gradient), torch.autograd.grad(expected, maps, gradient)
    )


def test_replication_keeps_channels_last() -> None:
    maps = torch.rand(2, 8, 6, 5).to(memory_format=torch.channels_last)
    result = replicate_channels_last(maps, (1, 1, 1, 1))
    assert result.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("mode", ["zeros", "replicate"])
@pytest.mark.parametrize("kernel", [(3, 3), (3, 1), (1, 3)])
def test_convolution_equals_torch(mode: Literal["zeros", "replicate"], kernel: tuple[int, int]) -> None:
    padding = (kernel[0] // 2, kernel[1] // 2)
    ours = ChannelsLastConv2d(4, 6, kernel, padding=padding, padding_mode=mode)
    theirs = torch.nn.Conv2d(4, 6, kernel, padding=padding, padding_mode=mode)
    theirs.load_state_dict(ours.state_dict())
    maps = torch.rand(2, 4, 9, 8)
    assert torch.equal(ours(maps), theirs(maps))
