import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganstyle.models.upsample_conv import UpsampleConv, UpsampleConvBlock, fold_kernel, remove_lattice


def test_equals_upsampling_then_convolution() -> None:
    torch.manual_seed(0)
    conv = UpsampleConv(3, 4)
    x = torch.randn(2, 3, 7, 6)
    upsampled = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    result = conv(x)
    assert result.shape == (2, 4, 14, 12)
    # Convolved without padding, less the pixels that were interpolated with the border's.
    torch.testing.assert_close(
        result[..., 2:-2, 2:-2], conv.conv(upsampled)[..., 1:-1, 1:-1], atol=1e-5, rtol=1e-4
    )


def test_one_dimension_by_hand() -> None:
    weight = torch.zeros(1, 1, 3, 3)
    weight[0, 0, 1] = torch.tensor([4.0, 40.0, 400.0])
    folded = fold_kernel(weight).view(2, 2, 3, 3)[:, :, 1].sum(0)  # both rows: 0.75 of this one each
    assert (folded / 1.5).tolist() == [[13, 331, 100], [1, 133, 310]]


def test_linear_gradients_stay_linear() -> None:
    torch.manual_seed(0)
    rows, columns = torch.meshgrid(torch.arange(9.0), torch.arange(9.0), indexing="ij")
    out = UpsampleConv(2, 3)(torch.stack([rows, 2 * columns - rows])[None])[0, :, 4:-4, 4:-4]
    for direction in (1, 2):
        step = out.diff(dim=direction)
        torch.testing.assert_close(
            step, step.mean((1, 2), keepdim=True).expand_as(step), atol=1e-5, rtol=1e-4
        )


def test_gradients_reach_the_kernel() -> None:
    conv = UpsampleConv(1, 1).double()
    x = torch.rand(1, 1, 3, 3, dtype=torch.float64, requires_grad=True)

    def of(weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = torch.func.functional_call(conv, {"conv.weight": weight}, (x,))
        return result

    weight = conv.conv.weight.detach().requires_grad_()
    assert torch.autograd.gradcheck(of, (weight, x))


def test_block_is_normed_and_rectified() -> None:
    block = UpsampleConvBlock(3, 4)
    with torch.no_grad():
        nn.init.ones_(block.norm.bias)
        out = block(torch.randn(1, 3, 8, 8))
    assert out.shape == (1, 4, 16, 16)
    assert out.min() == 0


def lattices(height: int, width: int) -> list[Tensor]:
    """Return what alternates along columns, along rows, and along both."""
    down, across = (torch.tensor([1.0, -1.0]).repeat(side)[:side] for side in (height, width))
    return [down[:, None].expand(height, width), across.expand(height, width), down[:, None] * across]


@pytest.mark.parametrize("size", [(16, 16), (9, 14)])
def test_remove_lattice_removes_what_alternates(size: tuple[int, int]) -> None:
    for lattice in lattices(*size):
        found = remove_lattice(lattice.expand(1, 2, *size))
        torch.testing.assert_close(found, torch.zeros_like(found), atol=1e-6, rtol=0)


def test_remove_lattice_keeps_flats_slopes_and_strokes() -> None:
    slope = torch.arange(20.0).expand(1, 1, 20, 20) / 20 + 3
    torch.testing.assert_close(remove_lattice(slope)[..., 3:-3], slope[..., 3:-3])
    stroke = torch.zeros(1, 1, 21, 21)
    stroke[..., 10, :] = 1  # one pixel wide
    kept = remove_lattice(stroke)
    assert kept[0, 0, 10].min() > 0.8
    assert float(kept.sum()) == pytest.approx(21, rel=1e-5)


def test_remove_lattice_equals_the_means_by_hand() -> None:
    x = torch.rand(1, 1, 12, 12)
    around = x[0, 0, 2:9, 2:9]  # of pixel (5, 5)
    weights = torch.tensor([0.5, 1, 1, 1, 1, 1, 0.5])
    every = (weights[:, None] * weights * around).sum() / 36
    expected = x[0, 0, 5, 5] - (around[1::2, 1::2].mean() - every)
    torch.testing.assert_close(remove_lattice(x)[0, 0, 5, 5], expected)


def test_antialiasing_needs_no_weights_and_is_off_by_default() -> None:
    plain, filtered = UpsampleConvBlock(3, 4), UpsampleConvBlock(3, 4, antialias=True)
    filtered.load_state_dict(plain.state_dict())
    x = torch.randn(1, 3, 8, 8)
    with torch.no_grad():
        assert torch.equal(filtered(x), remove_lattice(plain(x)))
