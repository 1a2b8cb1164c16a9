import pytest
import torch
from torch import Tensor

from ganstyle.images import resize_shorter
from ganstyle.losses import StyleTarget
from ganstyle.metrics import YARDSTICK_LAYERS, Yardstick


def features(x: Tensor) -> dict[str, Tensor]:
    """Maps that are easy to follow: the picture itself, brighter from layer to layer."""
    return {layer: (number + 1) * x for number, layer in enumerate(YARDSTICK_LAYERS)}


def gram(x: Tensor) -> Tensor:
    flat = x[0].flatten(1)
    return flat @ flat.T / flat.numel()


def test_the_yardstick_by_hand() -> None:
    picture, photo, painting = (torch.rand(1, 3, 16, 20) for _ in range(3))
    measured = Yardstick.of_paintings(features, [painting], size=16).measure(picture, photo)
    content = (picture - photo).square().sum() / photo.square().sum()
    style = (gram(picture) - gram(painting)).square().sum() / gram(painting).square().sum()
    assert measured.content.item() == pytest.approx(content.item(), rel=1e-5)
    assert measured.style.item() == pytest.approx(style.item(), rel=1e-4)  # the factors cancel in each layer


def test_the_painting_is_brought_to_the_photos_size() -> None:
    picture, photo, painting = torch.rand(1, 3, 16, 20), torch.rand(1, 3, 16, 20), torch.rand(1, 3, 40, 48)
    small = resize_shorter(painting, 16)
    a = Yardstick.of_paintings(features, [painting], size=16).measure(picture, photo)
    b = Yardstick(features, StyleTarget.from_images(features, [small])).measure(picture, photo)
    assert torch.equal(a.style, b.style)
