import pytest
import torch
from torch import nn

from ganstyle.models.norms import InstanceNorm


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_instance_norm_equals_torchs_even_at_large_means(layout: torch.memory_format) -> None:
    x = torch.randn(2, 5, 9, 7, generator=torch.Generator().manual_seed(0)) + 1000
    ours = InstanceNorm(5)
    theirs = nn.InstanceNorm2d(5, affine=True)
    with torch.no_grad():
        ours.weight.copy_(torch.linspace(0.5, 2, 5))
        ours.bias.copy_(torch.linspace(-1, 1, 5))
    theirs.load_state_dict(ours.state_dict())
    out = ours(x.to(memory_format=layout))
    torch.testing.assert_close(out, theirs(x), atol=1e-3, rtol=1e-3)


def conditioned() -> tuple[InstanceNorm, InstanceNorm]:
    """Return a conditioned norm and a plain one with the same gain and bias."""
    generator = torch.Generator().manual_seed(0)
    told, plain = InstanceNorm(5, conditioned=True), InstanceNorm(5)
    with torch.no_grad():
        for parameter in told.parameters():
            parameter.copy_(torch.randn(5, generator=generator))
    plain.load_state_dict({key: told.state_dict()[key] for key in ("weight", "bias")})
    return told, plain


def test_strength_1_is_the_plain_norm() -> None:
    told, plain = conditioned()
    x = torch.randn(3, 5, 8, 6)
    assert torch.equal(told(x, torch.ones(3)), plain(x))


def test_gain_and_bias_follow_the_strength_of_each_item() -> None:
    told, _ = conditioned()
    x = torch.randn(2, 5, 8, 6)
    result = told(x, torch.tensor([0.0, 1.5]))
    for item, strength in enumerate((0.0, 1.5)):
        gain = told.weight + 8 * (strength - 1) * told.weight_slope
        bias = told.bias + 8 * (strength - 1) * told.bias_slope
        expected = nn.functional.instance_norm(x[item : item + 1], weight=gain, bias=bias)
        torch.testing.assert_close(result[item : item + 1], expected, atol=1e-5, rtol=1e-5)


def test_fresh_norm_ignores_strength() -> None:
    norm, x = InstanceNorm(3, conditioned=True), torch.randn(1, 3, 4, 4)
    assert torch.equal(norm(x, torch.zeros(1)), norm(x, torch.ones(1)))


def test_statistics_from_elsewhere_replace_the_inputs() -> None:
    class Fixed:
        def __call__(self, part: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return torch.full((part.shape[1],), 0.5), torch.full((part.shape[1],), 4.0)

    x = torch.rand(2, 3, 5, 6)
    norm = InstanceNorm(3, conditioned=True)
    norm.weight_slope.data.fill_(0.1)
    norm.statistics = Fixed()
    expected = (x - 0.5) / 2
    torch.testing.assert_close(norm(x), expected)
    strengths = torch.tensor([1.0, 0.5])
    gains = torch.tensor([1.0, 0.6]).view(2, 1, 1, 1)  # 1 + 8 · (0.5 - 1) · 0.1
    torch.testing.assert_close(norm(x, strengths), gains * expected)


def test_floor_turns_rounding_into_the_bias() -> None:
    norm = InstanceNorm(2, floor=1e-8)
    nn.init.constant_(norm.bias, 0.25)
    rounding = 3e-7 * torch.randn(1, 2, 16, 16, generator=torch.Generator().manual_seed(0)) + 0.1
    torch.testing.assert_close(norm(rounding), torch.full_like(rounding, 0.25), rtol=0, atol=0)
    assert norm(torch.full_like(rounding, 0.1)).std() == 0


def test_floor_leaves_a_map_with_variance_as_it_is() -> None:
    maps = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(InstanceNorm(3, floor=1e-8)(maps), InstanceNorm(3)(maps), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("scale", [0.0, 1e-7, 1.0])
def test_floor_has_finite_gradients(scale: float) -> None:
    maps = (scale * torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(0))).requires_grad_()
    norm = InstanceNorm(2, floor=1e-8)
    norm(maps).square().sum().backward()
    assert maps.grad is not None
    assert norm.weight.grad is not None
    assert maps.grad.isfinite().all()
    assert norm.weight.grad.isfinite().all()


def test_floor_holds_for_statistics_from_elsewhere() -> None:
    norm = InstanceNorm(2, floor=1e-8)
    maps = torch.tensor([0.1, 0.1 + 3e-7]).expand(1, 2, 8, 2)
    norm.statistics = lambda part: (part.mean((0, 2, 3)), part.var((0, 2, 3), correction=0))
    assert norm(maps).std() == 0
