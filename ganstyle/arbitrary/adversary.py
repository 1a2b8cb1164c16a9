"""The adversarial losses: pictures against crops of the paintings whose code they were painted with."""

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from ganstyle.losses import GANLoss
from ganstyle.runs.training_state import frozen


def discriminator_loss(
    discriminator: nn.Module, picture: Tensor, real: Tensor, code: Tensor, gan_loss: GANLoss
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the loss of a conditional discriminator, and what to log.

    Real are crops of paintings with their own code. Fake are pictures with the code that they were painted
    with, and, with the same weight, crops of paintings with the code of another one (Reed et al. 2016).

    Args:
        discriminator: see `ConditionalDiscriminator`; everything goes through it in one pass.
        picture: the generator's, (B, 3, H, W) in [0, 1]; detached here.
        real: other crops of the paintings, of the same shape.
        code: of the paintings, (B, layers, size).
        gan_loss: the kind of adversarial loss.
    """
    images, codes = [real, picture.detach()], [code, code]
    if len(real) > 1:
        images.append(real)
        codes.append(code.roll(1, 0))
    logits = discriminator(torch.cat(images), torch.cat(codes))
    on_real, on_fake = ([scale[: len(real)] for scale in logits], [scale[len(real) :] for scale in logits])
    loss = gan_loss.discriminator(on_real, on_fake)
    log = {
        "loss/discriminator": loss,
        "logits/real": on_real[0].mean(),
        "logits/fake": on_fake[0][: len(real)].mean(),
    }
    if len(real) > 1:
        log["logits/mismatched"] = on_fake[0][len(real) :].mean()
    return loss, log


def adversarial_loss(
    accelerator: Accelerator, discriminator: nn.Module, picture: Tensor, code: Tensor, gan_loss: GANLoss
) -> Tensor:
    """Return the generator's adversarial loss, with the discriminator frozen and unwrapped."""
    bare: nn.Module = accelerator.unwrap_model(discriminator)
    with frozen(bare):
        return gan_loss.generator(bare(picture, code))
