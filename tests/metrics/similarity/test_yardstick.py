import pytest
import torch
from torch import Tensor

from ganstyle.images import resize_shorter
from ganstyle.losses import StyleTarget
from ganstyle.metrics import YARDSTICK_LAYERS, Yardstick
from ganstyle.metrics.similarity.yardstick import coarse_octaves, yardstick_target


def features(x: Tensor) -> dict[str, Tensor]:
    """Maps that are easy to follow: the picture itself, brighter from layer to layer."""
    return {layer: (number + 1) * x for number, layer in enumerate(YARDSTICK_LAYERS)}


def gram(x: Tensor) -> Tensor:
    flat = x[0].flatten(1)
    return flat @ flat.T / flat.numel()


def test_yardstick_by_hand() -> None:
    picture, photo, painting = (torch.rand(1, 3, 16, 20) for _ in range(3))
    measured = Yardstick.of_paintings(features, [painting], size=16).measure(picture, photo)
    content = (picture - photo).square().sum() / photo.square().sum()
    style = (gram(picture) - gram(painting)).square().sum() / gram(painting).square().sum()
    assert measured.content.item() == pytest.approx(content.item(), rel=1e-5)
    assert measured.style.item() == pytest.approx(style.item(), rel=1e-4)  # the factors cancel in each layer


def test_painting_is_resized_to_the_photo() -> None:
    picture, photo, painting = torch.rand(1, 3, 16, 20), torch.rand(1, 3, 16, 20), torch.rand(1, 3, 40, 48)
    small = resize_shorter(painting, 16)
    a = Yardstick.of_paintings(features, [painting], size=16).measure(picture, photo)
    b = Yardstick(features, StyleTarget.from_images(features, [small])).measure(picture, photo)
    assert torch.equal(a.style, b.style)


def halved(x: Tensor) -> Tensor:
    height, width = (side // 2 * 2 for side in x.shape[-2:])
    x = x[..., :height, :width]
    return (x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2]) / 4


def test_style_coarse_by_hand() -> None:
    picture, painting = torch.rand(1, 3, 66, 81), torch.rand(1, 3, 66, 70)
    yardstick = Yardstick.of_paintings(features, [painting], size=66)
    expected = []
    a, b = picture, painting
    for _ in range(3):
        a, b = halved(a), halved(b)
        expected.append((gram(a) - gram(b)).square().sum() / gram(b).square().sum())
    measured = yardstick.style_coarse(picture)
    assert measured is not None
    assert measured.item() == pytest.approx(torch.stack(expected).mean().item(), rel=1e-4)


def test_style_coarse_ignores_fine_texture() -> None:
    torch.manual_seed(0)
    painting = torch.zeros(1, 3, 64, 64)
    painting[..., :32] = 1.0
    grain = 0.2 * torch.randn(1, 3, 64, 64)
    yardstick = Yardstick.of_paintings(features, [painting], size=64)
    grainy = yardstick.style_coarse(painting + grain)
    turned = yardstick.style_coarse(painting * torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1))
    assert grainy is not None
    assert turned is not None
    assert grainy < 0.1 * turned
    assert yardstick.style_coarse(painting) == 0


@pytest.mark.parametrize(
    ("side", "octaves"), [(8, 0), (15, 0), (16, 1), (31, 1), (32, 2), (64, 3), (4000, 3)]
)
def test_style_coarse_leaves_out_octaves_that_are_too_small(side: int, octaves: int) -> None:
    assert coarse_octaves(side) == octaves
    target = yardstick_target(features, [torch.rand(1, 3, 64, 64)], size=side if side < 100 else 64)
    assert len(target.octaves) == 1 + octaves


def test_style_coarse_without_octaves_in_the_target() -> None:
    target = StyleTarget.from_images(features, [torch.rand(1, 3, 64, 64)])
    assert Yardstick(features, target).style_coarse(torch.rand(1, 3, 64, 64)) is None
    full = Yardstick.of_paintings(features, [torch.rand(1, 3, 64, 64)], size=64)
    assert full.style_coarse(torch.rand(1, 3, 12, 64)) is None
