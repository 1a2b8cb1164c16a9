"""The density of rings: circles count, and lines, edges and dots do not."""

import pytest
import torch
from torch import Tensor

from ganstyle.losses import Rings, ring_density


def distance(side: int = 64, at: tuple[float, float] = (31.5, 31.5)) -> Tensor:
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return ((rows - at[0]).square() + (columns - at[1]).square()).sqrt()


def line(along: Tensor, *, width: float = 2.4) -> Tensor:
    """A smooth line where a distance is 0, (H, W) in [0, 1]."""
    return ((width + 1) / 2 - along.abs()).clamp(0, 1)


def drawn(mask: Tensor, *, ground: float = 0.6, ink: float = 0.2) -> Tensor:
    """A shape in one gray on another, (1, 3, H, W); ``mask`` is 1 in the shape, 0 outside."""
    gray = ground + (ink - ground) * mask.float()
    return gray.expand(1, 3, *gray.shape)


def ring(*, ground: float = 0.6, ink: float = 0.2) -> Tensor:
    return drawn(line(distance() - 3), ground=ground, ink=ink)


@pytest.mark.parametrize("tones", [(0.6, 0.2), (0.3, 0.8)], ids=["dark ring", "bright ring"])
def test_rings_are_found_in_both_tones(tones: tuple[float, float]) -> None:
    assert ring_density(ring(ground=tones[0], ink=tones[1])) > 2e-6


@pytest.mark.parametrize(
    "shape",
    [
        torch.zeros(64, 64),
        (3.5 - distance()).clamp(0, 1),
        line(distance(at=(31.5, -60)) - 90),
        torch.arange(64).expand(64, 64) < 32,
        torch.arange(64).expand(64, 64) % 8 < 4,
    ],
    ids=["nothing", "dot", "arc", "edge", "stripes"],
)
def test_other_forms_are_not_rings(shape: Tensor) -> None:
    assert ring_density(drawn(shape)) < 0.02 * ring_density(ring())


def test_density_grows_with_number_and_contrast() -> None:
    one, faint = ring(), ring(ink=0.4)
    four = torch.cat([torch.cat([one, one], 2)] * 2, 3)
    assert ring_density(four) == pytest.approx(float(ring_density(one)), rel=1e-3)
    assert ring_density(faint) == pytest.approx(float(ring_density(one)) / 4, rel=1e-3)


def test_density_is_of_each_image() -> None:
    both = ring_density(torch.cat([ring(), drawn(torch.zeros(64, 64))]))
    assert both.shape == (2,)
    assert both[0] == pytest.approx(float(ring_density(ring())))
    assert both[1] == pytest.approx(0, abs=1e-10)


def test_rings_relative_to_the_paintings() -> None:
    paintings = [ring(), drawn(torch.zeros(64, 64))]
    rings = Rings.from_images(paintings)
    assert rings(ring())[0] == pytest.approx(2, rel=1e-4)  # the mean has half as many
    assert Rings.from_images([drawn(torch.zeros(64, 64))]).painting > 0


@pytest.mark.parametrize("side", [1, 15])
def test_tiny_images_have_no_rings(side: int) -> None:
    assert ring_density(torch.rand(2, 3, side, side)).tolist() == [0, 0]


def test_gradient() -> None:
    image = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)).requires_grad_()
    ring_density(image).sum().backward()  # type: ignore[no-untyped-call]
    assert image.grad is not None
    assert image.grad.abs().sum() > 0
    flat = torch.full((1, 3, 20, 20), 0.5, requires_grad=True)
    ring_density(flat).sum().backward()  # type: ignore[no-untyped-call]
    assert flat.grad is not None
    assert flat.grad.isfinite().all()


def test_a_step_along_the_gradient_removes_rings() -> None:
    image = ring().clone().requires_grad_()
    optimizer = torch.optim.Adam([image], lr=0.02)
    before = float(ring_density(ring()))
    for _ in range(20):
        optimizer.zero_grad()
        (1e6 * ring_density(image).sum()).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert float(ring_density(image.detach())) < 0.2 * before
