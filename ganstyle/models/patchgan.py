"""The PatchGAN discriminator."""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm as add_spectral_norm

from ganstyle.errors import ImageError
from ganstyle.models.blocks import check_positive
from ganstyle.models.norms import InstanceNorm

NORMS = ("instance", "none")


class PatchGANDiscriminator(nn.Module):
    """A convolutional discriminator with one logit per patch (Isola et al. 2017).

    4x4 convolutions: ``layers`` of stride 2, then two of stride 1, with LeakyReLU 0.2 between them
    and no norm on the first and the last. With three layers the receptive field is 70x70 pixels. There
    is no batch norm, so samples are independent and nothing has to be synchronized between processes.

    With ``scales`` above 1, further discriminators of the same kind see the image at 1/2, 1/4, … of its
    size (Wang et al. 2018), reduced by 2x2 averages.

    Takes (B, 3, H, W) in [0,1]; returns a list of logit maps (B, 1, h, w), finest scale first.

    Args:
        width: channels after the first layer; doubled by each further one, up to 8 times ``width``.
        layers: number of convolutions of stride 2.
        spectral_norm: keep the largest singular value of each kernel matrix at 1 (Miyato et al.
            2018). Instance norm is then omitted regardless of ``norm``, because it would rescale the
            maps and undo the bound.
        scales: number of scales.
        norm: "instance" or "none".

    Attributes:
        feature_layers: none; it sees pixels.
        minimum: the shortest side of an image that leaves one logit at every scale, in pixels.

    Raises:
        ValueError: a keyword is out of range.
    """

    feature_layers: tuple[str, ...] = ()

    def __init__(
        self,
        width: int = 64,
        layers: int = 3,
        spectral_norm: bool = False,
        scales: int = 1,
        norm: str = "instance",
    ) -> None:
        super().__init__()
        check_positive(width=width, layers=layers, scales=scales)
        if norm not in NORMS:
            raise ValueError(f"norm must be one of {', '.join(NORMS)}, not {norm!r}")
        self.minimum = 3 * 2 ** (layers + scales - 1)
        self.scales = nn.ModuleList(
            _patch_network(width, layers, spectral_norm, norm == "instance" and not spectral_norm)
            for _ in range(scales)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return one map of logits per scale.

        Raises:
            ImageError: a side is too short for one logit at every scale.
        """
        height, width = x.shape[-2:]
        if min(height, width) < self.minimum:
            raise ImageError(
                f"{height}x{width} pixels are too few for this discriminator; give images of at least "
                f"{self.minimum}x{self.minimum}, or fewer layers or scales"
            )
        x = x * 2 - 1
        logits = []
        for index, network in enumerate(self.scales):
            if index:
                x = F.avg_pool2d(x, 2)
            logits.append(network(x))
        return logits


def _patch_network(width: int, layers: int, spectral: bool, instance: bool) -> nn.Sequential:
    """Build the discriminator of one scale."""
    channels = [3, *(width * min(2**index, 8) for index in range(layers + 1)), 1]
    modules: list[nn.Module] = []
    for index, (inputs, outputs) in enumerate(pairwise(channels)):
        first, last = index == 0, index == layers + 1
        normed = instance and not first and not last
        stride = 2 if index < layers else 1
        conv = nn.Conv2d(inputs, outputs, 4, stride, padding=1, bias=not normed)
        nn.init.normal_(conv.weight, 0.0, 0.02)
        if conv.bias is not None:
            nn.init.zeros_(conv.bias)
        modules.append(add_spectral_norm(conv) if spectral else conv)
        if normed:
            modules.append(InstanceNorm(outputs))
        if not last:
            modules.append(nn.LeakyReLU(0.2, inplace=True))
    return nn.Sequential(*modules)
