import torch
from torch import nn
from torch.nn import functional as F

from ganstyle.models.upsample_conv import UpsampleConv, UpsampleConvBlock, fold_kernel, remove_nyquist


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


def test_remove_nyquist_by_hand() -> None:
    x = torch.arange(5.0).expand(1, 1, 5, 5)
    checks = torch.tensor([1.0, -1.0]).repeat(3)[:5].expand(5, 5)
    inside = remove_nyquist(x + checks + checks.T)[..., 1:-1, 1:-1]
    torch.testing.assert_close(inside, x[..., 1:-1, 1:-1])
    impulse = F.pad(torch.ones(1, 1, 1, 1), (2, 2, 2, 2))
    row = torch.tensor([0.0, 0.25, 0.5, 0.25, 0.0])
    torch.testing.assert_close(remove_nyquist(impulse)[0, 0], row[:, None] * row)


def test_antialiasing_needs_no_weights_and_is_off_by_default() -> None:
    plain, filtered = UpsampleConvBlock(3, 4), UpsampleConvBlock(3, 4, antialias=True)
    filtered.load_state_dict(plain.state_dict())
    x = torch.randn(1, 3, 8, 8)
    with torch.no_grad():
        assert torch.equal(filtered(x), remove_nyquist(plain(x)))
