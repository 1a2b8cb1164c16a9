"""Style targets, and the module that compares pictures with their photo and a target, octave by octave."""

from collections.abc import Mapping

import kornia
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
    style_loss,
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


def perceptual(encoder: nn.Module, target: StyleTarget, content: Mapping[str, float]) -> PerceptualLoss:
    return PerceptualLoss(encoder, target, content_layers=content, style_layers={"shallow": 1.0, "deep": 2.0})


def test_content_and_style_from_one_pass() -> None:
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


def test_photo_has_zero_content_loss_and_painting_zero_style_loss() -> None:
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


def test_perceptual_loss_with_vgg16() -> None:
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


def test_octaves_left_out_where_an_image_is_too_small() -> None:
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
