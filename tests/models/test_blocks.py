import pytest
import torch
from torch import nn

from ganstyle.models.blocks import (
    ConvBlock,
    ResidualBlock,
    ToImage,
    UpsampleBlock,
    check_kernel,
    check_positive,
    pad,
    pad_to_minimum,
)


def test_pad_reflects_without_repeating_the_edge() -> None:
    row = torch.arange(4.0).view(1, 1, 1, 4).expand(1, 1, 4, 4)
    assert pad(row, 2)[0, 0, 0].tolist() == [2, 1, 0, 1, 2, 3, 2, 1]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 5), (2, 2), (4, 4), (3, 9)])
def test_pad_takes_maps_that_are_too_small_to_reflect(height: int, width: int) -> None:
    x = torch.rand(2, 3, height, width)
    padded = pad(x, 4)
    assert padded.shape == (2, 3, height + 8, width + 8)
    torch.testing.assert_close(padded[..., 4:-4, 4:-4], x)
    assert padded.min() >= x.min()
    assert padded.max() <= x.max()


def test_zero_padding_is_the_identity() -> None:
    x = torch.rand(1, 1, 1, 1)
    assert pad(x, 0) is x


def test_pad_to_minimum_repeats_the_last_row_and_column() -> None:
    x = torch.tensor([[[[1.0, 2.0, 3.0]]]])
    assert pad_to_minimum(x, 2).tolist() == [[[[1, 2, 3], [1, 2, 3]]]]
    assert pad_to_minimum(x, 4).shape == (1, 1, 4, 4)
    assert pad_to_minimum(x, 1) is x


@pytest.mark.parametrize(("stride", "expected"), [(1, (7, 4)), (2, (4, 2))], ids=["keeps", "halves"])
def test_conv_block_size(stride: int, expected: tuple[int, int]) -> None:
    block = ConvBlock(3, 6, kernel=5, stride=stride)
    out = block(torch.rand(1, 3, 7, 4))
    assert out.shape == (1, 6, *expected)
    assert out.min() >= 0


def test_residual_block_does_not_change_its_input() -> None:
    x = torch.randn(1, 4, 6, 6)
    before = x.clone()
    out = ResidualBlock(4)(x)
    assert out.shape == x.shape
    torch.testing.assert_close(x, before)


def test_residual_block_with_zero_branch_is_the_identity() -> None:
    block = ResidualBlock(4)
    nn.init.zeros_(block.second.norm.weight)
    x = torch.randn(1, 4, 6, 6)
    torch.testing.assert_close(block(x), x)


def test_upsample_block_repeats_pixels_and_crops_an_odd_size() -> None:
    block = UpsampleBlock(1, 1)
    with torch.no_grad():
        block.conv.conv.weight.zero_()
        block.conv.conv.weight[0, 0, 1, 1] = 1  # the identity
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    repeated = torch.tensor([[[[1.0, 1, 2], [1, 1, 2], [3, 3, 4]]]])
    torch.testing.assert_close(
        block(x, (3, 3)), torch.relu(nn.functional.instance_norm(repeated)), atol=1e-5, rtol=0
    )


def test_upsample_block_joins_a_skip() -> None:
    block = UpsampleBlock(4, 2, skip=3)
    assert block(torch.rand(1, 4, 3, 2), (5, 4), torch.rand(1, 3, 5, 4)).shape == (1, 2, 5, 4)


def test_to_image_starts_near_gray() -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        image = ToImage(16, 5)(torch.relu(torch.randn(1, 16, 32, 32)))
    assert abs(float(image.mean()) - 0.5) < 0.1
    assert 0.01 < float(image.std()) < 0.2


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3"])
def test_check_positive_names_the_keyword(value: object) -> None:
    with pytest.raises(ValueError, match=r"width must be a whole number of at least 1"):
        check_positive(width=value)  # type: ignore[arg-type]


def test_check_kernel_requires_odd_sizes() -> None:
    check_kernel(1)
    check_kernel(9)
    with pytest.raises(ValueError, match="kernel must be odd"):
        check_kernel(4)
