"""The conditional discriminator: does this patch look painted, and by the hand of that painting?"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ganstyle.models.blocks import check_positive


class ConditionalDiscriminator(nn.Module):
    """A PatchGAN that is told a style code (Isola et al. 2017; Miyato and Koyama 2018).

    4x4 convolutions with spectral norm: ``layers`` of stride 2, then one of stride 1, with LeakyReLU 0.2. A
    last one gives a logit for each patch whatever the code; a projection adds how well the patch's features
    and the code go together: equation 3 of Miyato and Koyama 2018, at every place.

    Takes (B, 3, H, W) in [0, 1] and the codes; returns a list of one logit map (B, 1, h, w).

    Args:
        condition: numbers in a code, all layers together.
        width: channels after the first layer; doubled by each further one.
        layers: number of convolutions of stride 2.

    Attributes:
        minimum: the shortest side of an image that leaves one logit, in pixels.

    Raises:
        ValueError: a keyword is out of range.
    """

    def __init__(self, condition: int, width: int = 32, layers: int = 2) -> None:
        super().__init__()
        check_positive(condition=condition, width=width, layers=layers)
        self.minimum = 3 * 2**layers
        channels = [3, *(width * 2**index for index in range(layers + 1))]
        modules: list[nn.Module] = []
        for index, (inputs, outputs) in enumerate(pairwise(channels)):
            conv = nn.Conv2d(inputs, outputs, 4, 2 if index < layers else 1, padding=1)
            modules += [spectral_norm(conv), nn.LeakyReLU(0.2, inplace=True)]
        self.features = nn.Sequential(*modules)
        self.to_logits = spectral_norm(nn.Conv2d(channels[-1], 1, 4, padding=1))
        self.embed = spectral_norm(nn.Linear(condition, channels[-1]))

    def forward(self, x: Tensor, code: Tensor) -> list[Tensor]:
        """Return the logits of patches (B, 3, H, W) with codes (B, layers, size)."""
        features = self.features(x * 2 - 1)
        logits: Tensor = self.to_logits(features)
        embedded = self.embed(code.flatten(1))[:, :, None, None]
        matches = (features * embedded).sum(1, keepdim=True) / embedded.shape[1] ** 0.5
        # The last convolution leaves out one row and one column.
        return [logits + matches[..., : logits.shape[2], : logits.shape[3]]]
