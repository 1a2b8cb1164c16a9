"""A painting's style, trained for some seconds on the very photos that it is to paint."""

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.optim import Adam
from torch.optim.lr_scheduler import LambdaLR

from ganstyle.anystyle.refine import SMALLEST, loss_features, relative_loss
from ganstyle.devices import device_of
from ganstyle.images import middle_part, resize_shorter
from ganstyle.losses import StyleTarget
from ganstyle.models import LeanGenerator
from ganstyle.models.norms import InstanceNorm

ADAPTATION_STEPS = 30

_CONVOLUTIONS_RATE, _NORMS_RATE = 0.004, 0.07  # learning rates
_BETAS = (0.8, 0.99)
_STYLE = 6.5  # its weight, where content has 1
_STYLE_OCTAVES = (2.0, 1.0, 1.0, 1.0)  # what is painted at full size has the most to gain
_LONGEST = 2  # times the shorter side: no more than the middle of a panorama is trained on


@torch.inference_mode(mode=False)
def adapt_generator(
    generator: LeanGenerator,
    target: StyleTarget,
    photos: Sequence[Tensor],
    *,
    steps: int = ADAPTATION_STEPS,
    on_step: Callable[[int], None] = lambda step: None,
) -> LeanGenerator:
    """Train a copy of a generator on the photos that it is to paint, and on nothing else.

    Feed-forward transfer pays for its speed by one network for all photos. Here an optimization as in Gatys
    et al. 2016, of the same two losses, follows for the photos at hand; but of the network's weights in place
    of pixels, so that the result paints at any size.

    Args:
        generator: in one style.
        target: the painting's Gram matrices, by the distilled VGG-16.
        photos: at least one, each as `photo_view` returns it, (1, 3, H, W) in [0, 1]; a step takes one, in
            turns.
        steps: of Adam.
        on_step: told of each step's number, from 1 up, when it is done.

    Returns:
        A generator whose norms are at strength 0 as they were; a copy of the given one, should a step not be
        finite.
    """
    adapted = copy.deepcopy(generator)
    norms = [module for module in adapted.modules() if isinstance(module, InstanceNorm)]
    at_zero = [norm.at_zero() for norm in norms] if adapted.conditioned else []
    device = device_of(generator)
    loss = relative_loss(loss_features(), target.to(device), _STYLE_OCTAVES).to(device)
    views = [photo.to(device).clone() for photo in photos]  # tensors of inference mode cannot be in a graph
    features = [loss.photo_features(view) for view in views]
    convolutions = [weight for weight in adapted.parameters() if weight.ndim == 4]
    gains = [weight for norm in norms for weight in (norm.weight, norm.bias)]
    groups = [
        {"params": convolutions, "lr": _CONVOLUTIONS_RATE},
        {"params": gains, "lr": _NORMS_RATE},
    ]
    optimizer = Adam(groups, betas=_BETAS)
    # Two steps of warm-up; and in the second half down to nearly 0.
    schedule = LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 2, 2 * (steps - step) / max(steps, 1)))
    for weight in (*convolutions, *gains):
        weight.requires_grad_(True)
    with torch.enable_grad():
        for step in range(steps):
            turn = step % len(views)
            content, style = loss(adapted.paint(views[turn], None), features[turn]).mean()
            (content + _STYLE * style).backward()
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
            on_step(step + 1)
    adapted.eval().requires_grad_(False)
    if not all(bool(weight.isfinite().all()) for weight in adapted.parameters()):
        return copy.deepcopy(generator)
    for norm, start in zip(norms, at_zero, strict=False):
        norm.set_at_zero(*start)
    return adapted


def photo_view(photo: Tensor, size: int) -> Tensor:
    """Return the part of a photo that is trained on, at the size it is trained on in.

    Args:
        photo: (B, 3, H, W) in [0, 1].
        size: shorter side in pixels that paintings are looked at; a photo gets two thirds of it, which take
            less than half the time.

    Returns:
        (B, 3, h, w), float32: all of it; but of a panorama the middle, twice as long as wide.
    """
    side = max(SMALLEST, min(size * 2 // 3, *photo.shape[-2:]))
    return resize_shorter(middle_part(photo, _LONGEST).float(), side)
