"""A painting's code, improved by what the generator paints with it."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim import Adam

from ganstyle.anystyle.checkpoint import AnyPainting
from ganstyle.images import read_image, resize_shorter
from ganstyle.losses import PerceptualLoss, StyleTarget
from ganstyle.models import STUDENT_LAYERS
from ganstyle.shipped import EXAMPLE_PHOTO
from ganstyle.weights import FeatureNetwork, find_vgg16, load_vgg16

REFINEMENT_STEPS = 12
"""Most of what can be had: twice as many bring little more; see docs/any-painting.md."""

_LEARNING_RATE, _BETAS = 0.15, (0.8, 0.99)
_STYLE = 3.8  # its weight, where content has 1: pictures keep as much of a photo as before
_CONTENT_OCTAVES = (1.0, 0.3, 0.1)
_STYLE_OCTAVES = (1.0, 1.0, 1.0, 1.0)
SMALLEST = 16
"""Pixels of a picture that is trained on, whatever the size of paintings and photos."""


@torch.inference_mode(mode=False)
def refine_code(
    painter: AnyPainting, code: Tensor, painting: Tensor, *, steps: int = REFINEMENT_STEPS
) -> Tensor:
    """Bring the pictures that a code makes closer to its painting, by gradient descent on the code alone.

    An encoder sees the painting, but not what the generator makes of its code. Some steps through both
    generator and losses do, on crops of the example photo. In the inversion of GANs, too, what an encoder
    finds is where an optimization begins (Zhu et al. 2016, "Generative visual manipulation on the natural
    image manifold"). The result is a code like any other: it can be saved, mixed and baked.

    Args:
        painter: the generator for any painting.
        code: the painting's, as ``painter.encode`` returns it, (1, layers, size).
        painting: as ``painter.view`` returns it, (1, 3, H, W) in [0, 1].
        steps: of Adam; 0: none.

    Returns:
        A code, (1, layers, size); the given one, should a step not be finite.
    """
    if not steps:
        return code
    network = loss_features()
    # Tensors of inference mode cannot be part of a graph.
    target = StyleTarget.from_images(network, [painting.clone()], octaves=len(_STYLE_OCTAVES))
    loss = relative_loss(network, target)
    crops = [(photo, loss.photo_features(photo)) for photo in _crops(painter.size)]
    refined = code.clone().requires_grad_()
    optimizer = Adam([refined], lr=_LEARNING_RATE, betas=_BETAS)
    with torch.enable_grad():
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = _LEARNING_RATE * min(1.0, (step + 1) / 2)
            photo, features = crops[step % len(crops)]
            content, style = loss(painter.generator(photo, refined), features).mean()
            optimizer.zero_grad()
            (content + _STYLE * style).backward()
            optimizer.step()
    refined = refined.detach()
    return refined if bool(refined.isfinite().all()) else code


def loss_features() -> FeatureNetwork:
    """Return what the losses here see pictures with: the distilled VGG-16 that ships with ganstyle."""
    return load_vgg16(find_vgg16("distilled"), list(STUDENT_LAYERS))


def relative_loss(
    features: FeatureNetwork, target: StyleTarget, style_octaves: Sequence[float] = _STYLE_OCTAVES
) -> PerceptualLoss:
    """Return the loss of content, and of style by a target that the same network has measured.

    Args:
        features: see `loss_features`.
        target: the painting's Gram matrices.
        style_octaves: a weight for each octave that style is compared on, the full size first; those that the
            painting is too small for are left out.
    """
    return PerceptualLoss(
        features,
        target,
        content_layers={list(STUDENT_LAYERS)[-1]: 1.0},  # the deepest
        style_layers=dict.fromkeys(STUDENT_LAYERS, 1.0),
        content_octaves=_CONTENT_OCTAVES,
        style_octaves=style_octaves[: len(target.octaves)],
    )


def _crops(size: int) -> list[Tensor]:
    """Return the corners of the example photo as of four photos, each (1, 3, S, S).

    One photo has one palette, and a code that suits it alone would give others wrong colors. So the tones of
    three corners are changed, and the channels of two exchanged.
    """
    side = max(SMALLEST, size * 2 // 3)
    photo = resize_shorter(read_image(EXAMPLE_PHOTO), side * 5 // 4)
    near, far = slice(None, side), slice(-side, None)
    corners = [photo[..., rows, columns] for rows in (near, far) for columns in (near, far)]
    first, second, third, fourth = corners
    return [first, second.square().roll(1, dims=1), third.sqrt().roll(2, dims=1), fourth.square()]
