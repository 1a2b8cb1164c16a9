"""The losses of a step: the discriminator's on patches, the generator's on whole pictures."""

from collections.abc import Sequence

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from ganstyle.data.periodic import make_periodic, random_window
from ganstyle.losses import (
    GANLoss,
    PerceptualLoss,
    SyntheticMotion,
    r1_penalty,
    stray_color,
    temporal_loss,
    total_variation,
)
from ganstyle.losses.features import FeatureMaps
from ganstyle.models import wrapping_around
from ganstyle.recipe import PictureLossSection
from ganstyle.runs.training_state import frozen
from ganstyle.training.patches import Patches, detached, joined


def sample_weight_for(strength: Tensor) -> Tensor:
    """Return how much a picture's style loss counts, for the strength it is painted with.

    The square of the strength: 0.25 at 0.5, 1 at 1, 2.25 at 1.5. With a linear weight, half the strength
    would look like nearly all of it, since content is lost far more slowly than the style's weight grows.

    Args:
        strength: any shape, at least 0.
    """
    return strength.square()


def discriminator_loss(
    discriminator: nn.Module,
    real: Patches,
    fake: Patches,
    gan_loss: GANLoss,
    *,
    r1: float,
    pixels: Tensor,
    sample_weight: Tensor | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the discriminator's loss on patches of paintings and of generated pictures.

    Args:
        discriminator: gives logits; real and generated patches go through it together, in one pass.
        real: what it is shown of paintings; see `PatchView`.
        fake: what it is shown of generated pictures, of the same shapes; detached here.
        gan_loss: the kind of adversarial loss.
        r1: weight of the gradient penalty in this step; 0 leaves it out.
        pixels: the patches of paintings that ``real`` was made of, with a graph if ``r1`` is above 0.
        sample_weight: (B,), weight of each generated patch; None: all 1.

    Returns:
        The loss, a scalar, and what to log.
    """
    logits = discriminator(joined(real, detached(fake)))
    on_real = [scale[: len(pixels)] for scale in logits]
    on_fake = [scale[len(pixels) :] for scale in logits]
    loss = gan_loss.discriminator(on_real, on_fake, sample_weight)
    log = {"loss/discriminator": loss, "logits/real": on_real[0].mean(), "logits/fake": on_fake[0].mean()}
    log["accuracy/discriminator"] = gan_loss.accuracy(on_real, on_fake)
    if r1 > 0:
        penalty = r1_penalty(on_real, pixels)
        loss = loss + r1 * penalty
        log["loss/r1"] = penalty
    return loss, log


def paint_crops(
    generator: nn.Module,
    crops: Tensor,
    size: int,
    window: np.random.Generator,
    *,
    strength: Tensor | None = None,
    motion: SyntheticMotion | None = None,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Paint crops without edges (see `make_periodic`), and cut out what the losses see.

    Args:
        generator: takes the strength where it is given.
        crops: (B, 3, S, S) in [0, 1], of photos, with S as `crop_side` gives it.
        size: side of what the losses see, in pixels.
        window: draws where that is.
        strength: (B,).
        motion: how the photos move, if what a film would show next is to be painted too, in one pass.

    Returns:
        The pictures and the photos, (B, 3, size, size) in [0, 1], and the temporal loss of the motion, a
        scalar.
    """
    photo, temporal = make_periodic(crops, size), None
    with wrapping_around(generator):
        if motion is None:
            picture = _paint(generator, photo, strength)
        else:
            both = torch.cat([photo, motion.next_frame(photo)])
            pictures = _paint(generator, both, None if strength is None else strength.repeat(2))
            picture, following = pictures.chunk(2)
            temporal = temporal_loss(picture, following, motion)
    picture, photo = random_window([picture, photo], size, window)
    return picture, photo, temporal


def _paint(generator: nn.Module, photo: Tensor, strength: Tensor | None) -> Tensor:
    picture: Tensor = generator(photo) if strength is None else generator(photo, strength)
    return picture


def generator_loss(
    picture: Tensor,
    photo: Tensor,
    perceptual: PerceptualLoss,
    weights: PictureLossSection,
    *,
    adversarial: Tensor | None,
    temporal: Tensor | None = None,
    sliced_wasserstein: Tensor | None = None,
    rings: Tensor | None = None,
    maps: Sequence[FeatureMaps] | None = None,
    sample_weight: Tensor | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the generator's loss, a weighted sum of the terms that there are.

    Args:
        picture: the generator's output, (B, 3, H, W) in [0, 1].
        photo: what it was made from, of the same shape.
        perceptual: content and style distance.
        weights: the recipe's ``loss``.
        adversarial: the adversarial loss of these pictures, or None without a discriminator.
        temporal: their temporal loss, or None if it has no weight.
        sliced_wasserstein: (B,), likewise their sliced Wasserstein distance from the style.
        rings: (B,), likewise their rings, relative to the style's.
        maps: the pictures' feature maps, where they are known already.
        sample_weight: (B,), weight of each picture's style losses; None: all 1.

    Returns:
        The weighted sum, a scalar, and what to log: each term unweighted under ``loss/`` and weighted under
        ``weighted/``.
    """
    if maps is None:
        maps = perceptual.picture_features(picture)
    distances = perceptual.compare(maps, perceptual.photo_features(photo))
    share = 1.0 if sample_weight is None else sample_weight
    style = share * distances.style
    terms = {"content": distances.content.mean(), "style": style.mean(), "tv": total_variation(picture)}
    if adversarial is not None:
        terms["adversarial"] = adversarial
    if temporal is not None:
        terms["temporal"] = temporal
    if sliced_wasserstein is not None:
        terms["sliced_wasserstein"] = (share * sliced_wasserstein).mean()
    if rings is not None:
        terms["rings"] = rings.mean()
    if weights.stray_color > 0:
        terms["stray_color"] = stray_color(picture, photo).mean()
    weighted = {name: term * getattr(weights, name) for name, term in terms.items()}
    total = torch.stack(list(weighted.values())).sum()
    log = {f"loss/{name}": term for name, term in terms.items()}
    log |= {f"weighted/{name}": term for name, term in weighted.items()}
    return total, log | {"loss/generator": total}


def generator_adversarial_loss(
    accelerator: Accelerator,
    discriminator: nn.Module,
    fake: Patches,
    gan_loss: GANLoss,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Return the generator's adversarial loss on its patches, with the discriminator frozen.

    The unwrapped network is used: with frozen weights DDP has nothing to reduce, and a forward pass through
    DDP without a backward pass would confuse its bookkeeping.
    """
    bare: nn.Module = accelerator.unwrap_model(discriminator)
    with frozen(bare):
        return gan_loss.generator(bare(fake), sample_weight)
