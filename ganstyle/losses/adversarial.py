"""What the discriminator and the generator each want from the logits.

Every function takes logits as ``PatchGANDiscriminator`` gives them: a list of maps (B, 1, h, w), one a
scale. A scale's loss is the mean over its map, and the scales are averaged.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

Logits = Sequence[Tensor]


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _mean(maps: Logits, of: Callable[[Tensor], Tensor], sample_weight: Tensor | None = None) -> Tensor:
    penalties = [of(_wide(logits)) for logits in maps]
    if sample_weight is not None:
        penalties = [penalty * sample_weight.view(-1, 1, 1, 1) for penalty in penalties]
    return torch.stack([penalty.mean() for penalty in penalties]).mean()


@dataclass(frozen=True)
class GANLoss:
    """One adversarial gan_loss, as three penalties on a single logit.

    Attributes:
        real: the discriminator's penalty on a real patch.
        fake: the discriminator's penalty on a generated patch.
        fool: the generator's penalty on its own patch.
    """

    real: Callable[[Tensor], Tensor]
    fake: Callable[[Tensor], Tensor]
    fool: Callable[[Tensor], Tensor]

    def discriminator(self, real: Logits, fake: Logits, sample_weight: Tensor | None = None) -> Tensor:
        """Return the discriminator's loss, a scalar; ``sample_weight`` (B,) weighs the generated patches."""
        return _mean(real, self.real) + _mean(fake, self.fake, sample_weight)

    def generator(self, fake: Logits, sample_weight: Tensor | None = None) -> Tensor:
        """Return the generator's loss, a scalar; ``sample_weight`` (B,) weighs its patches."""
        return _mean(fake, self.fool, sample_weight)


GAN_LOSSES: Mapping[str, GANLoss] = {
    # Mao et al. 2017, equation 9 (a = 0, b = c = 1).
    "lsgan": GANLoss(
        real=lambda x: (x - 1).square() / 2,
        fake=lambda x: x.square() / 2,
        fool=lambda x: (x - 1).square() / 2,
    ),
    # Lim and Ye 2017; Miyato et al. 2018, equations 16 and 17.
    "hinge": GANLoss(real=lambda x: relu(1 - x), fake=lambda x: relu(1 + x), fool=lambda x: -x),
    # Goodfellow et al. 2014, section 3, with the generator's −log D instead of log(1 − D).
    "nonsaturating": GANLoss(
        real=lambda x: softplus(-x), fake=lambda x: softplus(x), fool=lambda x: softplus(-x)
    ),
}


def r1_penalty(real_logits: Logits, real: Tensor) -> Tensor:
    """Return ½·E‖∇D(x)‖² on real patches: Mescheder et al. 2018, equation 9, without its γ.

    Lazy regularization (Karras et al. 2020, section 3.1) calls this every k-th step and multiplies by k.

    Args:
        real_logits: D(real), computed with a graph.
        real: the patches (B, 3, H, W), with ``requires_grad`` set before D saw them.

    Returns:
        A scalar that can be differentiated once more.
    """
    total = torch.stack([_wide(logits).mean((1, 2, 3)).sum() for logits in real_logits]).mean()
    (gradient,) = torch.autograd.grad(total, real, create_graph=True)
    return _wide(gradient).square().flatten(1).sum(1).mean() / 2
