import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional as F

from ganstyle.losses import GAN_LOSSES, r1_penalty
from ganstyle.models import PatchGANDiscriminator

Array = NDArray[np.float64]


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


# What the papers print, written with other functions than the code under test: (real, fake, fool).
REFERENCE: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array], Callable[[Array], Array]]] = {
    "lsgan": (
        lambda x: 0.5 * (x - 1) ** 2,
        lambda x: 0.5 * x**2,
        lambda x: 0.5 * (x - 1) ** 2,
    ),
    "hinge": (
        lambda x: -np.minimum(0, -1 + x),
        lambda x: -np.minimum(0, -1 - x),
        lambda x: -x,
    ),
    "nonsaturating": (
        lambda x: -np.log(sigmoid(x)),
        lambda x: -np.log(1 - sigmoid(x)),
        lambda x: -np.log(sigmoid(x)),
    ),
}


def test_every_loss_has_a_reference() -> None:
    assert set(GAN_LOSSES) == set(REFERENCE)


@pytest.mark.parametrize(
    ("name", "discriminator", "generator"),
    [
        # real logits 2 and 0, fake logits -1 and 3
        ("lsgan", (0.5 + 0.5) / 2 + (0.5 + 4.5) / 2, (2 + 2) / 2),
        ("hinge", (0 + 1) / 2 + (0 + 4) / 2, -(-1 + 3) / 2),
        (
            "nonsaturating",
            (math.log1p(math.exp(-2)) + math.log(2)) / 2
            + (math.log1p(math.exp(-1)) + math.log1p(math.exp(3))) / 2,
            (math.log1p(math.exp(1)) + math.log1p(math.exp(-3))) / 2,
        ),
    ],
)
def test_gan_losses_by_hand(name: str, discriminator: float, generator: float) -> None:
    real, fake = torch.tensor([2.0, 0.0]).view(1, 1, 1, 2), torch.tensor([-1.0, 3.0]).view(1, 1, 1, 2)
    gan_loss = GAN_LOSSES[name]
    assert gan_loss.discriminator([real], [fake]).item() == pytest.approx(discriminator)
    assert gan_loss.generator([fake]).item() == pytest.approx(generator)


@pytest.mark.parametrize("name", GAN_LOSSES)
def test_gan_losses_equal_numpy_on_several_scales(name: str) -> None:
    real = [random(3, 1, 5, 4, seed=1), random(3, 1, 2, 2, seed=2)]
    fake = [random(3, 1, 5, 4, seed=3), random(3, 1, 2, 2, seed=4)]
    on_real, on_fake, fooling = REFERENCE[name]
    # every scale counts alike, however many logits it has
    expected = np.mean([on_real(x.numpy()).mean() for x in real]) + np.mean(
        [on_fake(x.numpy()).mean() for x in fake]
    )
    gan_loss = GAN_LOSSES[name]
    assert gan_loss.discriminator(real, fake).item() == pytest.approx(expected, rel=1e-6)
    expected = np.mean([fooling(x.numpy()).mean() for x in fake])
    assert gan_loss.generator(fake).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", GAN_LOSSES)
def test_sample_weight_scales_generated_patches(name: str) -> None:
    gan_loss, real, fake = GAN_LOSSES[name], [random(2, 1, 3, 3, seed=1)], [random(2, 1, 3, 3, seed=2)]
    first, second = [fake[0][:1]], [fake[0][1:]]
    weighed = gan_loss.generator(fake, torch.tensor([0.5, 2.0]))
    torch.testing.assert_close(
        weighed, (0.5 * gan_loss.generator(first) + 2 * gan_loss.generator(second)) / 2
    )
    ones = torch.ones(2)
    torch.testing.assert_close(gan_loss.generator(fake, ones), gan_loss.generator(fake))
    torch.testing.assert_close(gan_loss.discriminator(real, fake, ones), gan_loss.discriminator(real, fake))
    nothing = gan_loss.discriminator(real, fake, torch.zeros(2))
    torch.testing.assert_close(nothing, gan_loss.real(real[0]).mean())


@pytest.mark.parametrize("name", GAN_LOSSES)
def test_float64_stays_float64(name: str) -> None:
    gan_loss, logits = GAN_LOSSES[name], [random(2, 1, 3, 3)]
    assert gan_loss.discriminator(logits, logits).dtype == torch.float64
    assert gan_loss.generator(logits).dtype == torch.float64


@pytest.mark.parametrize("name", GAN_LOSSES)
def test_gradients(name: str) -> None:
    gan_loss = GAN_LOSSES[name]
    real, fake = random(2, 1, 3, 2, seed=1).requires_grad_(), random(2, 1, 3, 2, seed=2).requires_grad_()
    assert gradcheck(lambda r, f: gan_loss.discriminator([r, r[..., :1]], [f, f[..., :1]]), (real, fake))
    assert gradcheck(lambda f: gan_loss.generator([f, f[..., :1]]), fake)


@pytest.mark.parametrize("name", GAN_LOSSES)
def test_gradients_point_toward_real(name: str) -> None:
    gan_loss = GAN_LOSSES[name]
    logit = torch.full((1, 1, 1, 1), 0.3, requires_grad=True)
    for loss, rises in (
        (gan_loss.discriminator([logit], [logit.detach()]), False),  # real logits go up
        (gan_loss.discriminator([logit.detach()], [logit]), True),  # fake logits go down
        (gan_loss.generator([logit]), False),  # the generator pushes its logits up
    ):
        (slope,) = torch.autograd.grad(loss, logit)
        assert (slope.item() > 0) == rises


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", GAN_LOSSES)
def test_half_precision_logits_are_widened(name: str, dtype: torch.dtype) -> None:
    real, fake = (
        torch.full((1, 1, 64, 64), -600.0, dtype=dtype),
        torch.full((1, 1, 64, 64), 600.0, dtype=dtype),
    )
    gan_loss = GAN_LOSSES[name]
    on_real, on_fake, _ = REFERENCE[name]
    loss = gan_loss.discriminator([real], [fake])
    assert loss.dtype == torch.float32
    with np.errstate(over="ignore", divide="ignore"):
        exact = on_real(np.array(-600.0)) + on_fake(np.array(600.0)) if name != "nonsaturating" else 1200
    assert loss.item() == pytest.approx(float(exact), rel=1e-2)
    assert gan_loss.generator([real]).isfinite()


# --- R1


def test_r1_of_a_linear_discriminator_is_half_the_squared_weights() -> None:
    weight = random(3, 4, 4, seed=1)
    real = random(5, 3, 4, 4, seed=2).requires_grad_()
    logits = (real * weight).sum((1, 2, 3)).view(5, 1, 1, 1)
    assert r1_penalty([logits], real).item() == pytest.approx(weight.square().sum().item() / 2, rel=1e-6)


def test_r1_takes_the_mean_over_the_map_the_scales_and_the_batch() -> None:
    real = random(2, 3, 2, 2).requires_grad_()
    # D = mean over the map of x², so that its gradient is 2x/4 summed over channels; a second scale adds 0
    fine = real.square().sum(1, keepdim=True)
    coarse = torch.zeros(2, 1, 1, 1, dtype=torch.float64, requires_grad=True) * real.sum()
    gradient = (2 * real.detach() / 4) / 2
    expected = gradient.square().flatten(1).sum(1).mean().item() / 2
    assert r1_penalty([fine, coarse], real).item() == pytest.approx(expected, rel=1e-6)


def test_r1_against_finite_differences() -> None:
    torch.manual_seed(0)
    network = PatchGANDiscriminator(width=2, layers=1, scales=2).double()
    real = torch.rand(2, 3, 12, 12, dtype=torch.float64)
    penalty = r1_penalty(network(real.requires_grad_()), real)

    @torch.no_grad()
    def mean_logit(images: Tensor) -> Tensor:
        return torch.stack([maps.mean((1, 2, 3)) for maps in network(images)]).mean(0)

    step, squares = 1e-6, torch.zeros(2, dtype=torch.float64)
    pixels = torch.eye(3 * 12 * 12, dtype=torch.float64).view(-1, 3, 12, 12) * step
    for item in range(2):
        image = real[item].detach()
        slopes = (mean_logit(image + pixels) - mean_logit(image - pixels)) / (2 * step)
        squares[item] = slopes.square().sum()
    assert penalty.item() == pytest.approx(squares.mean().item() / 2, rel=1e-4)


def smooth(real: Tensor, first: Tensor, second: Tensor) -> list[Tensor]:
    """A discriminator of two scales without a kink."""
    fine = F.conv2d(F.conv2d(real, first).tanh(), second)
    return [fine, F.avg_pool2d(fine, 2).tanh()]


def test_r1_gradient_and_gradient_of_that() -> None:
    real, first, second = random(2, 3, 4, 4), random(2, 3, 2, 2, seed=1), random(1, 2, 2, 2, seed=2)

    def penalty(image: Tensor, *weights: Tensor) -> Tensor:
        return r1_penalty(smooth(image, *weights), image)

    inputs = tuple(tensor.requires_grad_() for tensor in (real, first * 0.3, second * 0.3))
    assert gradcheck(penalty, inputs)
    assert gradgradcheck(penalty, inputs)


@pytest.mark.parametrize("options", [{}, {"spectral_norm": True}, {"norm": "none"}])
def test_r1_trains_a_real_discriminator(options: dict[str, bool | str]) -> None:
    torch.manual_seed(0)
    network = PatchGANDiscriminator(width=2, layers=1, **options).double().eval()  # type: ignore[arg-type]
    real = torch.rand(1, 3, 6, 6, dtype=torch.float64).requires_grad_()
    parameters = list(network.parameters())

    def penalty(*_: Tensor) -> Tensor:
        return r1_penalty(network(real), real)

    assert gradcheck(penalty, tuple(parameters[:1]))
    gradients = torch.autograd.grad(penalty(), parameters, allow_unused=True)
    assert any(g is not None and g.abs().sum() > 0 for g in gradients)


def test_r1_needs_patches_with_a_gradient() -> None:
    real = torch.rand(1, 3, 4, 4)
    with pytest.raises(RuntimeError, match="require grad"):
        r1_penalty([real.mean(1, keepdim=True)], real)
