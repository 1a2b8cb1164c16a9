"""The temporal loss: zero for what moves with the photo, and learned by what does not."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganstyle.losses import SyntheticMotion, draw_motion, temporal_loss

PHOTO = nn.functional.interpolate(
    torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(0)), (48, 40)
)


def still(batch: int = 2) -> SyntheticMotion:
    return SyntheticMotion(torch.zeros(batch, 2, 4, 4), seed=0)


def test_zero_motion_is_the_identity() -> None:
    torch.testing.assert_close(still().warp(PHOTO), PHOTO, atol=1e-5, rtol=0)
    noisy = still().next_frame(PHOTO)
    assert 0.005 < (noisy - PHOTO).abs().mean() < 0.02
    assert noisy.min() >= 0
    assert noisy.max() <= 1


def test_warp_by_hand() -> None:
    """Right by a quarter of the width, and down by a half of the height."""
    motion = SyntheticMotion(torch.tensor([0.25, 0.5]).view(1, 2, 1, 1).expand(1, 2, 4, 4), seed=0)
    photo = torch.rand(1, 3, 8, 8)
    moved = motion.warp(photo)
    torch.testing.assert_close(moved[..., 4:, 2:], photo[..., :4, :-2], atol=1e-5, rtol=0)
    inside = torch.zeros(1, 1, 8, 8)
    inside[..., 4:, 2:] = 1
    assert torch.equal(motion.inside(photo), inside)
    assert temporal_loss(photo, torch.roll(photo, (4, 2), (-2, -1)), motion) < 1e-10


def test_motion_is_drawn_for_each_photo_and_repeats() -> None:
    first, again = (draw_motion(3, np.random.default_rng(1)) for _ in range(2))
    assert torch.equal(first.flow, again.flow)
    assert torch.equal(
        first.next_frame(PHOTO[:1].expand(3, -1, -1, -1)), again.next_frame(PHOTO[:1].expand(3, -1, -1, -1))
    )
    assert not torch.equal(first.flow[0], first.flow[1])
    assert 0.001 < first.flow.abs().mean() < 10 / 256


@pytest.mark.parametrize(
    "paint", [lambda x: 1 - x, lambda x: x[:, [2, 0, 1]] * 0.5], ids=["negative", "colors"]
)
def test_zero_for_an_equivariant_generator(paint: object) -> None:
    """One that maps each pixel by its color: moved first or painted first, it is the same."""
    assert callable(paint)
    motion = draw_motion(2, np.random.default_rng(0))
    assert temporal_loss(paint(PHOTO), paint(motion.warp(PHOTO)), motion) < 1e-9
    fixed = torch.rand(1, 3, 48, 40)
    assert temporal_loss(PHOTO + fixed, motion.warp(PHOTO) + fixed, motion) > 0.01  # a pattern on the lens


def test_gradient_reaches_both_pictures() -> None:
    motion = draw_motion(1, np.random.default_rng(0))
    pictures = [torch.rand(1, 3, 6, 6, dtype=torch.float32, requires_grad=True) for _ in range(2)]
    gradients = torch.autograd.grad(temporal_loss(pictures[0], pictures[1], motion), pictures)
    assert all(gradient.abs().sum() > 0 for gradient in gradients)


def test_temporal_loss_falls_in_training() -> None:
    """A convolution that paints a pattern fixed to the picture, and answers noise, unlearns both."""
    torch.manual_seed(0)
    pattern = nn.Parameter(0.3 * torch.randn(1, 3, 48, 40))
    convolution = nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect")
    optimizer = torch.optim.Adam([pattern, *convolution.parameters()], lr=0.02)

    def paint(x: Tensor) -> Tensor:
        moved: Tensor = convolution(x) + pattern
        return moved

    losses = []
    for step in range(60):
        motion = draw_motion(2, np.random.default_rng(step))
        picture = paint(PHOTO)
        loss = temporal_loss(picture, paint(motion.next_frame(PHOTO)), motion)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.2 * np.mean(losses[:5])
