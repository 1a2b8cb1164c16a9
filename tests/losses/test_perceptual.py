from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from ganstyle.losses import (
    content_loss,
    gram_matrix,
    relative_distance,
    style_loss,
    total_variation,
)


def random(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


# --- relative_distance


def test_relative_distance_by_hand() -> None:
    value = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    target = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    torch.testing.assert_close(relative_distance(value, target), torch.tensor([4.0, 13 / 4]))


def test_relative_distance_of_equal_is_0_and_of_black_is_1() -> None:
    target = random(3, 4, 5, 6)
    assert torch.equal(relative_distance(target, target), torch.zeros(3, dtype=torch.float64))
    torch.testing.assert_close(
        relative_distance(torch.zeros_like(target), target), torch.ones(3, dtype=torch.float64)
    )


def test_scale_of_the_features_does_not_matter() -> None:
    value, target = random(2, 3, 4, seed=1), random(2, 3, 4, seed=2)
    torch.testing.assert_close(
        relative_distance(value * 1000, target * 1000), relative_distance(value, target)
    )


def test_one_target_for_a_batch() -> None:
    value, target = random(3, 4, 4, seed=1), random(4, 4, seed=2)
    expected = torch.stack([relative_distance(item[None], target[None])[0] for item in value])
    torch.testing.assert_close(relative_distance(value, target), expected)


def test_black_target_has_finite_loss_and_gradient() -> None:
    value = torch.full((1, 4), 100.0, requires_grad=True)
    distance = relative_distance(value, torch.zeros(1, 4))
    distance.sum().backward()  # type: ignore[no-untyped-call]
    assert distance.isfinite().all()
    assert value.grad is not None
    assert value.grad.isfinite().all()
    assert relative_distance(torch.zeros(1, 4), torch.zeros(1, 4)).item() == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened_before_squaring(dtype: torch.dtype) -> None:
    value, target = torch.full((1, 100), 3000.0, dtype=dtype), torch.full((1, 100), 1000.0, dtype=dtype)
    result = relative_distance(value, target)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, torch.tensor([4.0]), rtol=1e-2, atol=0)


def test_relative_distance_gradient() -> None:
    value, target = random(2, 3, 4, seed=1).requires_grad_(), random(2, 3, 4, seed=2).requires_grad_()
    assert gradcheck(relative_distance, (value, target))


# --- content and style


def test_content_by_hand() -> None:
    features = {"a": torch.tensor([[[[3.0]]], [[[0.0]]]]), "b": torch.tensor([[[[1.0]]], [[[2.0]]]])}
    target = {"a": torch.tensor([[[[1.0]]], [[[1.0]]]]), "b": torch.tensor([[[[2.0]]], [[[1.0]]]])}
    # per photo: a 4 and 1, mean 2.5; b 1/4 and 1, mean 5/8
    assert content_loss(features, target, {"a": 1.0}).item() == pytest.approx(2.5)
    assert content_loss(features, target, {"b": 7.0}).item() == pytest.approx(0.625)
    assert content_loss(features, target, {"a": 3.0, "b": 1.0}).item() == pytest.approx(
        0.75 * 2.5 + 0.25 * 0.625
    )


def test_style_by_hand() -> None:
    features = {"a": torch.tensor([[[[2.0, 0.0]], [[0.0, 2.0]]]])}  # Gram: 4/4 on the diagonal
    grams = {"a": torch.tensor([[1.0, 2.0], [0.0, 2.0]])}
    assert style_loss(features, grams, {"a": 5.0}).item() == pytest.approx((0 + 4 + 0 + 1) / (1 + 4 + 4))


def test_style_against_numpy() -> None:
    features = {"a": random(3, 4, 5, 6, seed=1), "b": random(3, 7, 3, 3, seed=2)}
    grams = {"a": random(4, 4, seed=3), "b": random(7, 7, seed=4)}
    weights = {"a": 2.0, "b": 0.5}
    expected = 0.0
    for layer, weight in weights.items():
        array, target = features[layer].numpy(), grams[layer].numpy()
        for item in array:
            flat = item.reshape(item.shape[0], -1)
            difference = flat @ flat.T / flat.size - target
            expected += weight / 2.5 / 3 * (difference**2).sum() / (target**2).sum()
    assert style_loss(features, grams, weights).item() == pytest.approx(expected, rel=1e-9)


def test_content_against_numpy() -> None:
    features = {"a": random(2, 4, 5, 6, seed=1), "b": random(2, 7, 3, 3, seed=2)}
    target = {"a": random(2, 4, 5, 6, seed=3), "b": random(2, 7, 3, 3, seed=4), "unused": random(1)}
    weights = {"a": 1.0, "b": 3.0}
    expected = sum(
        weight / 4 * np.mean([((x - y) ** 2).sum() / (y**2).sum() for x, y in zip(f, t, strict=True)])
        for f, t, weight in (
            (features[layer].numpy(), target[layer].numpy(), w) for layer, w in weights.items()
        )
    )
    assert content_loss(features, target, weights).item() == pytest.approx(float(expected), rel=1e-9)


def test_grams_of_a_batch_or_of_one_painting() -> None:
    features = {"a": random(2, 4, 5, 6)}
    gram = random(4, 4, seed=3)
    shared = style_loss(features, {"a": gram}, {"a": 1.0})
    torch.testing.assert_close(style_loss(features, {"a": gram.expand(2, 4, 4)}, {"a": 1.0}), shared)


def test_autocast_does_not_change_the_losses() -> None:
    features = {"a": random(2, 16, 9, 9, seed=1, dtype=torch.float32)}
    target = {"a": random(2, 16, 9, 9, seed=2, dtype=torch.float32)}
    grams = {"a": gram_matrix(target["a"])}
    expected = style_loss(features, grams, {"a": 1.0}), content_loss(features, target, {"a": 1.0})
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = style_loss(features, grams, {"a": 1.0}), content_loss(features, target, {"a": 1.0})
    for value, exact in zip(result, expected, strict=True):
        assert value.dtype == torch.float32
        assert torch.equal(value, exact)


@pytest.mark.parametrize("loss", [content_loss, style_loss])
def test_gradients(loss: Callable[..., Tensor]) -> None:
    weights = {"a": 1.0, "b": 3.0}
    targets = {
        "a": gram_matrix(random(2, 3, 4, 2, seed=5)) if loss is style_loss else random(2, 3, 4, 2, seed=3),
        "b": gram_matrix(random(2, 4, 2, 2, seed=6)) if loss is style_loss else random(2, 4, 2, 2, seed=4),
    }
    inputs = random(2, 3, 4, 2, seed=1).requires_grad_(), random(2, 4, 2, 2, seed=2).requires_grad_()
    assert gradcheck(lambda a, b: loss({"a": a, "b": b}, targets, weights), inputs)


# --- total variation


def test_total_variation_by_hand() -> None:
    # the red channel steps by 2 down the columns and by 1 along the rows; the other two are flat
    image = torch.zeros(1, 3, 2, 2)
    image[0, 0] = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
    assert total_variation(image).item() == pytest.approx((2 + 1) / 3)


def test_total_variation_against_numpy() -> None:
    image = random(2, 3, 5, 7)
    array = image.numpy()
    expected = np.abs(np.diff(array, axis=2)).mean() + np.abs(np.diff(array, axis=3)).mean()
    assert total_variation(image).item() == pytest.approx(expected, rel=1e-9)


def test_total_variation_of_flat_images_is_zero() -> None:
    assert total_variation(torch.full((2, 3, 4, 5), 0.7)).item() == 0
    assert total_variation(torch.rand(1, 3, 1, 1)).item() == 0
    assert total_variation(torch.rand(1, 3, 1, 9)).isfinite()


def test_total_variation_gradient() -> None:
    assert gradcheck(total_variation, random(2, 3, 3, 4).requires_grad_())
