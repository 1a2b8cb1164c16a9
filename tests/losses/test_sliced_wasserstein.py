"""Sliced Wasserstein distance: of distributions, wherever their vectors are, octave by octave."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance
from torch import Tensor
from torch.autograd import gradcheck
from torch.nn import functional as F

from ganstyle.losses import SlicedWasserstein, usable_pyramid
from ganstyle.losses.features import FeatureMaps
from ganstyle.losses.sliced_wasserstein import POSITIONS, sliced_wasserstein_distance

LAYERS = {"color": 1.0, "edges": 3.0}


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def unit(channels: int, count: int) -> Tensor:
    return F.normalize(random(channels, count, seed=9) - 0.5, dim=0)


def encode(image: Tensor) -> FeatureMaps:
    """Two layers, the second of half the size."""
    kernel = random(4, 3, 3, 3, seed=5).to(image.dtype) - 0.5
    return {"color": image, "edges": F.conv2d(image, kernel, stride=2, padding=1).tanh()}


def style_of(
    *paintings: Tensor, octaves: Sequence[float] = (1.0,), encoder: Callable[[Tensor], FeatureMaps] = encode
) -> SlicedWasserstein:
    rng = np.random.default_rng(0)
    return SlicedWasserstein.from_images(encoder, paintings, rng, layers=LAYERS, octaves=octaves)


def measure(style: SlicedWasserstein, image: Tensor, seed: int = 1) -> Tensor:
    maps = [encode(octave) for octave in usable_pyramid(image, len(style.octaves))]
    return style(maps, np.random.default_rng(seed))


def test_zero_for_permuted_positions_only() -> None:
    features, directions = random(2, 6, 5, 7), unit(6, 4)
    order = torch.randperm(35)
    permuted = features.flatten(2)[..., order].view(2, 6, 7, 5)
    for item in (0, 1):
        distance = sliced_wasserstein_distance(permuted, features[item].flatten(1), directions)
        assert distance.shape == (2,)
        assert distance[item] < 1e-10
        assert distance[1 - item] > 1e-4
    # The same values in each channel, but not together: a Gram matrix of single channels would not see it.
    alone = features[:1].flatten(2).clone()
    alone[:, 0] = alone[:, 0].flip(-1)
    assert sliced_wasserstein_distance(alone, features[0].flatten(1), directions) > 1e-4


def test_against_wasserstein_of_scipy_on_a_line() -> None:
    """In one dimension, and shifted alike everywhere, the squared distance is the square of the first."""
    target = random(1, 50)
    shifted = target[None] + 0.3
    first = wasserstein_distance(shifted.flatten(), target.flatten())
    relative = first**2 / target.square().mean()
    distance = sliced_wasserstein_distance(shifted, target, torch.ones(1, 1))
    assert distance.item() == pytest.approx(relative.item(), rel=1e-5)


def test_relative_to_the_target() -> None:
    target, directions = random(6, 30), unit(6, 4)
    assert sliced_wasserstein_distance(torch.zeros(1, 6, 30), target, directions).item() == pytest.approx(1)
    one, large = (
        sliced_wasserstein_distance(scale * random(2, 6, 30, seed=2), scale * target, directions)
        for scale in (1, 1000)
    )
    torch.testing.assert_close(one, large)


@pytest.mark.parametrize("repeats", [2, 3])
def test_number_of_positions_does_not_matter(repeats: int) -> None:
    value, target, directions = random(2, 6, 400), random(6, 400, seed=2).square(), unit(6, 4)
    expected = sliced_wasserstein_distance(value, target, directions)
    more = sliced_wasserstein_distance(value.repeat(1, 1, repeats), target, directions)
    fewer = sliced_wasserstein_distance(value, target.repeat(1, repeats), directions)
    torch.testing.assert_close(more, expected, rtol=0.01, atol=0)
    torch.testing.assert_close(fewer, expected, rtol=0.01, atol=0)
    assert sliced_wasserstein_distance(target[None], target.repeat(1, repeats), directions) < 1e-4


def test_gradient() -> None:
    features, target, directions = random(2, 3, 5).double(), random(3, 8, seed=1).double(), unit(3, 2)
    assert gradcheck(
        lambda x: sliced_wasserstein_distance(x, target, directions.double()), features.requires_grad_()
    )


def test_float32_under_autocast() -> None:
    features, target, directions = random(2, 6, 40).bfloat16(), 1e4 * random(6, 40, seed=1), unit(6, 4)
    exact = sliced_wasserstein_distance(features.float(), target, directions)
    with torch.autocast("cpu", torch.bfloat16):
        distance = sliced_wasserstein_distance(features, target.bfloat16().float(), directions)
    assert distance.dtype == torch.float32
    torch.testing.assert_close(distance, exact, rtol=1e-3, atol=0)


def test_batch_items_are_independent() -> None:
    style, pictures = style_of(random(1, 3, 32, 40)), random(3, 3, 64, 64, seed=2)
    together = measure(style, pictures)
    each = torch.cat([measure(style, picture[None]) for picture in pictures])
    torch.testing.assert_close(together, each)
    pictures.requires_grad_()
    (gradient,) = torch.autograd.grad(measure(style, pictures)[1], pictures)
    assert gradient[1].abs().max() > 0
    assert gradient[[0, 2]].abs().max() == 0


def test_fixed_by_the_generator() -> None:
    style, picture = style_of(random(1, 3, 80, 80)), random(1, 3, 64, 64, seed=2)
    assert picture[0, 0].numel() > POSITIONS
    assert torch.equal(measure(style, picture), measure(style, picture))
    assert not torch.equal(measure(style, picture), measure(style, picture, seed=2))


def test_sampled_positions_stand_for_all() -> None:
    painting, picture = random(1, 3, 160, 160).square(), random(1, 3, 128, 128, seed=2)
    style = style_of(painting)
    assert {k: v.shape for k, v in style.samples[0].items()} == {"color": (3, 16384), "edges": (4, 6400)}
    mean = torch.stack([measure(style, picture, seed) for seed in range(8)]).mean()
    directions = F.normalize(torch.randn(3, 500), dim=0)
    maps, wanted = encode(picture), encode(painting)
    color = sliced_wasserstein_distance(maps["color"], wanted["color"][0].flatten(1), directions)
    directions = F.normalize(torch.randn(4, 500), dim=0)
    edges = sliced_wasserstein_distance(maps["edges"], wanted["edges"][0].flatten(1), directions)
    assert mean.item() == pytest.approx((color + 3 * edges).item() / 4, rel=0.2)
    assert measure(style, painting).item() < 0.05 * mean


def test_octaves() -> None:
    painting, picture = random(1, 3, 64, 64), random(2, 3, 48, 48, seed=2)
    fine, coarse = style_of(painting, octaves=[1, 0]), style_of(painting, octaves=[0, 1])
    half = usable_pyramid(painting, 2)[1]
    torch.testing.assert_close(fine.samples[1]["color"], half[0].flatten(1))
    both = style_of(painting, octaves=[1, 3])
    expected = (measure(fine, picture) + 3 * measure(coarse, picture)) / 4
    torch.testing.assert_close(measure(both, picture), expected)
    # What either is too small for is left out, and the weights of the rest are scaled up.
    torch.testing.assert_close(
        measure(style_of(painting, octaves=[1, 5]), random(1, 3, 24, 24)),
        measure(style_of(painting), random(1, 3, 24, 24)),
    )
    assert len(style_of(random(1, 3, 40, 24), octaves=[1, 1, 1]).samples) == 1


def test_several_paintings_count_alike() -> None:
    dark, light = 0.2 * random(1, 3, 20, 20), 1 - 0.2 * random(1, 3, 28, 28)
    samples = style_of(dark, light).samples[0]["color"]
    assert samples.shape == (3, 800)
    assert (samples < 0.5).float().mean() == 0.5


def test_optimized_image_takes_on_the_colors() -> None:
    painting = random(1, 3, 32, 32).square() * torch.tensor([1.0, 0.5, 0.2]).view(3, 1, 1)
    style = style_of(painting)
    image = random(1, 3, 32, 32, seed=3).requires_grad_()
    optimizer = torch.optim.Adam([image], lr=0.02)
    first = measure(style, image).item()
    for step in range(250):
        image.grad = torch.autograd.grad(measure(style, image, seed=step).sum(), image)[0]
        optimizer.step()
    assert measure(style, image, seed=1000).item() < 0.02 * first
    torch.testing.assert_close(image.mean((0, 2, 3)), painting.mean((0, 2, 3)), atol=0.02, rtol=0)
    torch.testing.assert_close(image.std((0, 2, 3)), painting.std((0, 2, 3)), atol=0.04, rtol=0)
