from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganstyle.errors import ImageError
from ganstyle.models import DISCRIMINATORS, PatchGANDiscriminator


def convolutions(model: nn.Module) -> list[nn.Conv2d]:
    return [module for module in model.modules() if isinstance(module, nn.Conv2d)]


def originals(model: nn.Module) -> list[nn.Parameter]:
    """The kernels that are learned, under spectral norm too."""
    return [parameter for parameter in model.parameters() if parameter.dim() == 4]


def test_is_registered() -> None:
    assert DISCRIMINATORS["patchgan"] is PatchGANDiscriminator


@pytest.mark.parametrize(("layers", "field"), [(1, 16), (2, 34), (3, 70)])
def test_receptive_field(layers: int, field: int) -> None:
    """The pixels that a logit's gradient reaches; 70x70 by default, as in the paper."""
    torch.manual_seed(0)
    # Instance norm would let every logit see the whole image through its statistics.
    model = PatchGANDiscriminator(width=4, layers=layers, norm="none").double()
    x = torch.rand(1, 3, 128, 128, dtype=torch.float64, requires_grad=True)
    (logits,) = model(x)
    middle = logits.shape[-1] // 2
    (gradient,) = torch.autograd.grad(logits[0, 0, middle, middle], x)
    reached = gradient[0].abs().sum(0).nonzero()
    low, high = reached.amin(0), reached.amax(0)
    assert (high - low + 1).tolist() == [field, field]


def test_default_layout() -> None:
    model = PatchGANDiscriminator()
    convs = convolutions(model)
    assert [conv.out_channels for conv in convs] == [64, 128, 256, 512, 1]
    assert [conv.stride[0] for conv in convs] == [2, 2, 2, 1, 1]
    assert [norm.num_channels for norm in model.modules() if isinstance(norm, nn.GroupNorm)] == [
        128,
        256,
        512,
    ]
    assert abs(float(convs[3].weight.detach().std()) - 0.02) < 0.001
    assert model(torch.rand(1, 3, 256, 256))[0].shape == (1, 1, 30, 30)


def test_width_stops_growing_at_eight_times() -> None:
    convs = convolutions(PatchGANDiscriminator(width=2, layers=5))
    assert [conv.out_channels for conv in convs] == [2, 4, 8, 16, 16, 16, 1]


def test_scales_see_reduced_images() -> None:
    torch.manual_seed(0)
    model = PatchGANDiscriminator(width=4, scales=3)
    x = torch.rand(2, 3, 128, 100)
    logits = model(x)
    assert [tuple(each.shape) for each in logits] == [
        (2, 1, 14, 10),
        (2, 1, 6, 4),
        (2, 1, 2, 1),
    ]
    # The second scale alone, on an image reduced by hand.
    half = x.reshape(2, 3, 64, 2, 50, 2).mean(dim=(3, 5))
    second = model.scales[1]
    torch.testing.assert_close(logits[1], second(half * 2 - 1), atol=1e-5, rtol=1e-4)


def largest_singular_value(weight: Tensor) -> float:
    return float(torch.linalg.matrix_norm(weight.detach().flatten(1), 2))


def test_spectral_norm_bounds_every_kernel() -> None:
    torch.manual_seed(0)
    model = PatchGANDiscriminator(width=4, spectral_norm=True, scales=2)
    assert not [module for module in model.modules() if isinstance(module, nn.GroupNorm)]
    for weight in originals(model):
        weight.data.mul_(300)
    x = torch.rand(1, 3, 64, 64)
    for _ in range(30):  # one power iteration each
        model(x)
    model.eval()
    for conv in convolutions(model):
        assert largest_singular_value(conv.weight) == pytest.approx(1, abs=0.05)


def test_spectral_norm_is_off_by_default() -> None:
    conv = convolutions(PatchGANDiscriminator(width=4))[0]
    conv.weight.data.mul_(300)
    assert largest_singular_value(conv.weight) > 2


@pytest.mark.parametrize("keywords", [{}, {"norm": "none"}, {"spectral_norm": True}, {"scales": 2}], ids=str)
def test_gradient_penalty_reaches_every_weight(keywords: dict[str, Any]) -> None:
    """R1 differentiates the gradient at the input once more."""
    torch.manual_seed(0)
    model = PatchGANDiscriminator(width=4, **keywords)
    x = torch.rand(2, 3, 64, 64, requires_grad=True)
    total = torch.stack([logits.sum() for logits in model(x)]).sum()
    (gradient,) = torch.autograd.grad(total, x, create_graph=True)
    torch.autograd.backward(gradient.square().sum())
    for weight in originals(model):
        assert weight.grad is not None
        assert weight.grad.isfinite().all()
        assert weight.grad.abs().sum() > 0


def test_second_derivative_gradgradcheck() -> None:
    torch.manual_seed(0)
    model = PatchGANDiscriminator(width=1, layers=1).double()
    x = torch.rand(1, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda image: model(image)[0], (x,), fast_mode=True)


def test_batch_items_are_independent() -> None:
    torch.manual_seed(0)
    model, x = PatchGANDiscriminator(width=4), torch.rand(3, 3, 32, 32)
    torch.testing.assert_close(model(x)[0][1:2], model(x[1:2])[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"width": 0}, "width"),
        ({"layers": 0}, "layers"),
        ({"scales": 0}, "scales"),
        ({"norm": "batch"}, "norm must be one of instance, none, not 'batch'"),
    ],
)
def test_bad_keywords(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PatchGANDiscriminator(**keywords)


@pytest.mark.parametrize(("layers", "scales"), [(3, 1), (1, 1), (2, 3)])
def test_smallest_image(layers: int, scales: int) -> None:
    model = PatchGANDiscriminator(width=2, layers=layers, scales=scales)
    side = 3 * 2 ** (layers + scales - 1)
    assert model(torch.rand(1, 3, side, side))[-1].shape == (1, 1, 1, 1)
    with pytest.raises(ImageError, match=f"{side}x{side}") as caught:
        model(torch.rand(1, 3, side, side - 1))
    assert "\n" not in str(caught.value)
