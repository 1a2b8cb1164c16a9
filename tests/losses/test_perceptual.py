from collections.abc import Callable, Mapping

import kornia
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck
from torch.nn import functional as F

from ganstyle.losses import (
    Distances,
    PerceptualLoss,
    StyleTarget,
    content_loss,
    gram_matrix,
    relative_distance,
    style_loss,
    total_variation,
)
from ganstyle.losses.perceptual import content_distance, style_distance
from ganstyle.models import VGG16Features


def random(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


class FakeEncoder(nn.Module):
    """Two smooth layers in float64; it counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.shallow, self.deep = random(4, 3, 3, 3, seed=1), random(5, 4, 3, 3, seed=2)
        self.calls = 0

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        self.calls += 1
        shallow = F.conv2d(image, self.shallow.to(image.dtype), padding=1).tanh()
        deep = F.conv2d(shallow, self.deep.to(image.dtype), stride=2, padding=1).tanh()
        return {"shallow": shallow, "deep": deep}


# --- relative_distance


def test_relative_distance_by_hand() -> None:
    value = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    target = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    torch.testing.assert_close(relative_distance(value, target), torch.tensor([4.0, 13 / 4]))


def test_same_is_0_and_empty_is_1() -> None:
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


def test_a_black_target_is_finite_with_its_gradient() -> None:
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


def test_total_variation_where_there_is_none() -> None:
    assert total_variation(torch.full((2, 3, 4, 5), 0.7)).item() == 0
    assert total_variation(torch.rand(1, 3, 1, 1)).item() == 0
    assert total_variation(torch.rand(1, 3, 1, 9)).isfinite()


def test_total_variation_gradient() -> None:
    assert gradcheck(total_variation, random(2, 3, 3, 4).requires_grad_())


# --- StyleTarget


def test_target_of_one_painting() -> None:
    encoder, painting = FakeEncoder(), random(1, 3, 6, 8).requires_grad_()
    target = StyleTarget.from_images(encoder, [painting])
    for layer, maps in encoder(painting).items():
        torch.testing.assert_close(target.grams[layer], gram_matrix(maps)[0])
        assert not target.grams[layer].requires_grad


def test_target_of_several_paintings_is_their_mean() -> None:
    encoder = FakeEncoder()
    paintings = [random(1, 3, 6, 8, seed=1), random(1, 3, 5, 5, seed=2), random(1, 3, 9, 4, seed=3)]
    target = StyleTarget.from_images(encoder, paintings)
    for layer in ("shallow", "deep"):
        each = [StyleTarget.from_images(encoder, [painting]).grams[layer] for painting in paintings]
        torch.testing.assert_close(target.grams[layer], (each[0] + each[1] + each[2]) / 3)


def test_target_moves_to_a_device() -> None:
    target = StyleTarget(({"a": torch.eye(2)},))
    moved = target.to("meta")
    assert moved.grams["a"].device.type == "meta"
    assert target.grams["a"].device.type == "cpu"


# --- PerceptualLoss


def perceptual(encoder: nn.Module, target: StyleTarget, content: Mapping[str, float]) -> PerceptualLoss:
    return PerceptualLoss(encoder, target, content_layers=content, style_layers={"shallow": 1.0, "deep": 2.0})


def test_both_distances_from_one_pass() -> None:
    encoder = FakeEncoder()
    photo, picture, painting = (random(2, 3, 6, 6, seed=n) for n in range(3))
    target = StyleTarget.from_images(encoder, [painting[:1]])
    loss = perceptual(encoder, target, {"deep": 1.0})
    features = loss.photo_features(photo)
    encoder.calls = 0
    distances = loss(picture, features)
    assert encoder.calls == 1
    assert isinstance(distances, Distances)
    maps = encoder(picture)
    torch.testing.assert_close(distances.mean().content, content_loss(maps, encoder(photo), {"deep": 1.0}))
    torch.testing.assert_close(
        distances.mean().style, style_loss(maps, target.grams, {"shallow": 1.0, "deep": 2.0})
    )


def test_each_picture_of_a_batch_has_distances_of_its_own() -> None:
    encoder = FakeEncoder()
    photo, picture = (random(3, 3, 6, 6, seed=n) for n in range(2))
    loss = perceptual(encoder, StyleTarget.from_images(encoder, [random(1, 3, 6, 6)]), {"deep": 1.0})
    together = loss(picture, loss.photo_features(photo))
    assert together.content.shape == together.style.shape == (3,)
    for n in range(3):
        alone = loss(picture[n : n + 1], loss.photo_features(photo[n : n + 1]))
        torch.testing.assert_close(together.content[n], alone.content[0])
        torch.testing.assert_close(together.style[n], alone.style[0])


def test_photo_features_hold_what_is_needed_and_no_graph() -> None:
    encoder = FakeEncoder()
    loss = perceptual(encoder, StyleTarget(({},)), {"deep": 1.0})
    (features,) = loss.photo_features(random(1, 3, 6, 6).requires_grad_())
    assert list(features) == ["deep"]
    assert not features["deep"].requires_grad


def test_the_photo_itself_has_lost_nothing_and_the_painting_is_in_style() -> None:
    encoder, photo, painting = FakeEncoder(), random(1, 3, 6, 6, seed=1), random(1, 3, 7, 5, seed=2)
    loss = perceptual(encoder, StyleTarget.from_images(encoder, [painting]), {"deep": 1.0})
    assert loss(photo, loss.photo_features(photo)).content.item() == 0
    assert loss(painting, loss.photo_features(painting)).style.item() == pytest.approx(0, abs=1e-20)


@pytest.mark.parametrize("side", ["content", "style"])
def test_gradient_through_the_network(side: str) -> None:
    encoder = FakeEncoder()
    photo, picture, painting = (random(1, 3, 4, 4, seed=n) for n in range(3))
    loss = perceptual(encoder, StyleTarget.from_images(encoder, [painting]), {"shallow": 1.0, "deep": 1.0})
    features = loss.photo_features(photo)

    def of(image: Tensor) -> Tensor:
        return torch.as_tensor(getattr(loss(image, features), side))

    assert gradcheck(of, picture.requires_grad_())


def test_with_a_real_network() -> None:
    layers = ["relu1_2", "relu2_2"]
    torch.manual_seed(0)
    network = VGG16Features(layers, state=None)
    photo, painting = torch.rand(1, 3, 12, 16), torch.rand(1, 3, 20, 14)
    loss = PerceptualLoss(
        network,
        StyleTarget.from_images(network, [painting]),
        content_layers={"relu2_2": 1.0},
        style_layers=dict.fromkeys(layers, 1.0),
    )
    picture = photo.clone().requires_grad_()
    distances = loss(picture, loss.photo_features(photo))
    assert distances.content.item() == 0
    assert distances.style.item() > 0
    distances.style.backward()
    assert picture.grad is not None
    assert picture.grad.isfinite().all()
    assert picture.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in loss.parameters())


# --- Octaves


def half(image: Tensor) -> Tensor:
    """Blur by 1-2-1 and average 2x2 pixels, which together is the filter 1-3-3-1."""
    blurred = kornia.filters.filter2d_separable(
        image, torch.tensor([[0.25, 0.5, 0.25]]), torch.tensor([[0.25, 0.5, 0.25]]), "replicate"
    )
    return F.avg_pool2d(blurred, 2)


def test_octaves_are_the_weighted_mean_over_the_pyramid() -> None:
    encoder, picture, photo = FakeEncoder(), random(2, 3, 64, 64), random(2, 3, 64, 64)
    target = StyleTarget.from_images(encoder, [random(1, 3, 96, 80)], octaves=3)
    layers = {"shallow": 1.0, "deep": 2.0}
    loss = PerceptualLoss(
        encoder,
        target,
        content_layers={"deep": 1.0},
        style_layers=layers,
        content_octaves=(1.0, 3.0),
        style_octaves=(2.0, 1.0, 1.0),
    )
    distances = loss(picture, loss.photo_features(photo))
    halves = [(picture, photo)]
    for _ in range(2):
        halves.append((half(halves[-1][0]), half(halves[-1][1])))
    content = [content_distance(encoder(a), encoder(b), {"deep": 1.0}) for a, b in halves]
    style = [
        style_distance(encoder(a), grams, layers)
        for (a, _), grams in zip(halves, target.octaves, strict=True)
    ]
    torch.testing.assert_close(distances.content, (content[0] + 3 * content[1]) / 4)
    torch.testing.assert_close(distances.style, (2 * style[0] + style[1] + style[2]) / 4)


def test_octaves_left_out_where_a_picture_is_too_small() -> None:
    encoder, picture = FakeEncoder(), random(1, 3, 24, 24)
    target = StyleTarget.from_images(encoder, [random(1, 3, 96, 96)], octaves=3)
    layers = {"deep": 1.0}
    one = PerceptualLoss(encoder, target, content_layers=layers, style_layers=layers)
    three = PerceptualLoss(
        encoder, target, content_layers=layers, style_layers=layers, style_octaves=(1.0, 1.0, 1.0)
    )
    features = one.photo_features(picture)
    torch.testing.assert_close(three(picture, features).style, one(picture, features).style)


def test_more_octaves_than_the_target_has() -> None:
    encoder = FakeEncoder()
    target = StyleTarget.from_images(encoder, [random(1, 3, 24, 24)], octaves=3)
    assert len(target.octaves) == 1
    with pytest.raises(ValueError, match="3 weights of style octaves, but the target has 1"):
        PerceptualLoss(
            encoder, target, content_layers={"deep": 1.0}, style_layers={"deep": 1.0}, style_octaves=(1, 1, 1)
        )
