import numpy as np
import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.func import jvp

from ganstyle.losses import gram_matrix


def random(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


def test_gram_by_hand() -> None:
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])  # two channels of 1x2 pixels
    expected = torch.tensor([[[5.0, 11.0], [11.0, 25.0]]]) / (2 * 1 * 2)
    torch.testing.assert_close(gram_matrix(features), expected)


def test_against_numpy() -> None:
    features = random(3, 5, 4, 7)
    array = features.numpy().astype(np.float64)
    expected = np.einsum("bihw,bjhw->bij", array, array) / (5 * 4 * 7)
    result = gram_matrix(features)
    assert result.shape == (3, 5, 5)
    assert result.dtype == torch.float32
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_symmetric_and_positive_semidefinite() -> None:
    gram = gram_matrix(random(2, 6, 3, 4, dtype=torch.float64))
    torch.testing.assert_close(gram, gram.mT)
    assert torch.linalg.eigvalsh(gram).min() > -1e-12


def test_invariant_to_position() -> None:
    features = random(1, 4, 6, 5, dtype=torch.float64)
    moved = features.flatten(2)[..., torch.randperm(30)].reshape(1, 4, 5, 6)
    torch.testing.assert_close(gram_matrix(moved), gram_matrix(features))


def test_invariant_to_size() -> None:
    features = random(1, 4, 6, 5, dtype=torch.float64)
    tiled = features.tile(1, 1, 3, 2)
    torch.testing.assert_close(gram_matrix(tiled), gram_matrix(features))


def test_invariant_to_memory_format() -> None:
    features = random(2, 8, 5, 6)
    last = features.to(memory_format=torch.channels_last)
    torch.testing.assert_close(gram_matrix(last), gram_matrix(features))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_autocast_has_no_effect(dtype: torch.dtype) -> None:
    features = random(2, 16, 9, 9).to(dtype)
    expected = gram_matrix(features)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = gram_matrix(features)
    assert result.dtype == torch.float32
    assert torch.equal(result, expected)
    torch.testing.assert_close(result, gram_matrix(features.double()).float(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("value", [200.0, 60000.0])
def test_large_float16_features_do_not_overflow(value: float) -> None:
    features = torch.full((1, 4, 64, 64), value, dtype=torch.float16)
    result = gram_matrix(features)  # the plain sum is 4096 * value², far above 65504
    assert result.isfinite().all()
    exact = features[0, 0, 0, 0].double() ** 2 / 4
    torch.testing.assert_close(result, exact.float().expand(1, 4, 4), rtol=1e-5, atol=0)


def test_float64_stays_float64() -> None:
    assert gram_matrix(random(1, 2, 3, 3, dtype=torch.float64)).dtype == torch.float64


def test_gradient() -> None:
    assert gradcheck(gram_matrix, random(2, 3, 2, 4, dtype=torch.float64).requires_grad_())


def test_gradient_reaches_half_precision_features() -> None:
    features = random(1, 3, 4, 4).half().requires_grad_()
    gram_matrix(features).sum().backward()  # type: ignore[no-untyped-call]
    assert features.grad is not None
    assert features.grad.dtype == torch.float16
    # d/dF of the sum over all pairs: twice the sum over channels, at every pixel, divided by C·H·W
    expected = 2 * features.detach().float().sum(1, keepdim=True).expand(1, 3, 4, 4) / (3 * 4 * 4)
    torch.testing.assert_close(features.grad.float(), expected, rtol=1e-2, atol=1e-3)


def test_second_derivative() -> None:
    assert gradgradcheck(gram_matrix, random(2, 3, 2, 4, dtype=torch.float64).requires_grad_())


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:FutureWarning")  # torch's own
def test_derivative_along_a_direction() -> None:
    features, tangent = random(2, 3, 2, 4, dtype=torch.float64), random(3, 3, 2, 4, dtype=torch.float64)[1:]
    step = 1e-6
    expected = (gram_matrix(features + step * tangent) - gram_matrix(features - step * tangent)) / (2 * step)
    torch.testing.assert_close(jvp(gram_matrix, (features,), (tangent,))[1], expected)


def test_gradient_is_that_of_the_plain_product() -> None:
    features, weights = random(2, 5, 6, 7), random(2, 5, 5)
    plain = features.clone().requires_grad_()
    (weights * (plain.flatten(2) @ plain.flatten(2).mT / (5 * 6 * 7))).sum().backward()  # type: ignore[no-untyped-call]
    features.requires_grad_()
    (weights * gram_matrix(features)).sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(features.grad, plain.grad)
