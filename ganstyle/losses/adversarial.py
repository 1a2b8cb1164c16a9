"""Adversarial losses and the R1 gradient penalty.

Every function takes logits as discriminators return them: a list of maps (B, 1, h, w), one per scale. The
loss of a scale is the mean over its map; the scales are averaged.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

Logits = Sequence[Tensor]


def _promote(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _mean(maps: Logits, penalty: Callable[[Tensor], Tensor], sample_weight: Tensor | None = None) -> Tensor:
    penalties = [penalty(_promote(logits)) for logits in maps]
    if sample_weight is not None:
        penalties = [each * sample_weight.view(-1, 1, 1, 1) for each in penalties]
    return torch.stack([each.mean() for each in penalties]).mean()


@dataclass(frozen=True)
class GANLoss:
    """An adversarial loss, given by three elementwise functions of the logits.

    Attributes:
        real: the discriminator's loss on real patches.
        fake: the discriminator's loss on generated patches.
        generated: the generator's loss on generated patches.
        boundary: logits above it say that a patch is real.
    """

    real: Callable[[Tensor], Tensor]
    fake: Callable[[Tensor], Tensor]
    generated: Callable[[Tensor], Tensor]
    boundary: float = 0.0

    def discriminator(self, real: Logits, fake: Logits, sample_weight: Tensor | None = None) -> Tensor:
        """Return the discriminator's loss, a scalar; ``sample_weight`` (B,) weights the generated patches."""
        return _mean(real, self.real) + _mean(fake, self.fake, sample_weight)

    @torch.no_grad()
    def accuracy(self, real: Logits, fake: Logits) -> Tensor:
        """Return how often the discriminator is right, a scalar from 0 to 1; real and fake count alike."""
        right = [(logits > self.boundary).float().mean() for logits in real]
        right += [(logits <= self.boundary).float().mean() for logits in fake]
        return torch.stack(right).mean()

    def generator(self, fake: Logits, sample_weight: Tensor | None = None) -> Tensor:
        """Return the generator's loss, a scalar; ``sample_weight`` (B,) weights its patches."""
        return _mean(fake, self.generated, sample_weight)


GAN_LOSSES: Mapping[str, GANLoss] = {
    # Mao et al. 2017, equation 9 (a = 0, b = c = 1).
    "lsgan": GANLoss(
        real=lambda x: (x - 1).square() / 2,
        fake=lambda x: x.square() / 2,
        generated=lambda x: (x - 1).square() / 2,
        boundary=0.5,
    ),
    # Lim and Ye 2017; Miyato et al. 2018, equations 16 and 17.
    "hinge": GANLoss(real=lambda x: relu(1 - x), fake=lambda x: relu(1 + x), generated=lambda x: -x),
    # Goodfellow et al. 2014, section 3, with the generator's −log D instead of log(1 − D).
    "nonsaturating": GANLoss(
        real=lambda x: softplus(-x), fake=lambda x: softplus(x), generated=lambda x: softplus(-x)
    ),
}


def r1_penalty(real_logits: Logits, real: Tensor) -> Tensor:
    """Return ½·E‖∇D(x)‖² on real patches: Mescheder et al. 2018, equation 9, without its γ.

    For lazy regularization (Karras et al. 2020, section 3.1), call this every k steps and multiply by k.

    Args:
        real_logits: D(real), computed with gradients enabled.
        real: the input of D, (B, …), with ``requires_grad`` set before it was passed to D.

    Returns:
        A scalar, differentiable with respect to the weights of D.
    """
    total = torch.stack([_promote(logits).mean((1, 2, 3)).sum() for logits in real_logits]).mean()
    (gradient,) = torch.autograd.grad(total, real, create_graph=True)
    return _promote(gradient).square().flatten(1).sum(1).mean() / 2
