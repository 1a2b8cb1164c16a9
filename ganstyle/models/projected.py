"""The projected discriminator: light heads on random projections of VGG-16's feature maps."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm as add_spectral_norm

from ganstyle.errors import ImageError
from ganstyle.models.blocks import check_positive

# Each layer's channels, stride, and typical root mean square on photos and paintings. Dividing by it gives
# about unit variance: spectral norm bounds the heads, so the scale of their input matters.
_MAPS = {"relu1_2": (64, 1, 250.0), "relu2_2": (128, 2, 500.0), "relu3_3": (256, 4, 500.0)}
_MARGIN = 20  # pixels: half the receptive field of relu3_3
_LOGITS_STRIDE = 8  # pixels of a patch per logit


class ProjectedDiscriminator(nn.Module):
    """Judges the feature maps of patches rather than their pixels (Sauer et al. 2021, "Projected GANs").

    The maps of relu1_2, relu2_2 and relu3_3, which the perceptual losses compute anyway, are projected by
    fixed random 1x1 convolutions (cross-channel mixing) and added up from coarse to fine after another one
    (cross-scale mixing). A small convolutional head with spectral norm then gives the logits of each scale.
    Random mixing spreads the evidence over all channels, so that a head cannot rely on a few of them.

    Departs from the paper: VGG-16 in place of an EfficientNet, so that the feature maps cost nothing extra;
    no 3x3 convolutions in the cross-scale mixing, which would cost as much as VGG-16 itself; one logit for
    every 8x8 pixels rather than 4x4 logits, and no batch norm, as for any texture discriminator.

    Takes the maps of patches of side P, each (B, C, P/stride, P/stride) with strides 1, 2 and 4. A margin of
    20 pixels is ignored, where maps depend on what is beyond the patch. Returns a list of logit maps
    (B, 1, h, w), the finest layer first.

    Args:
        width: channels of the projections; the heads have up to twice as many.
        spectral_norm: keep the largest singular value of each of the heads' kernel matrices at 1 (Miyato et
            al. 2018).

    Attributes:
        feature_layers: the layers whose maps it takes.
        minimum: the shortest side of a patch that leaves one logit, in pixels.

    Raises:
        ValueError: a keyword is out of range.
    """

    feature_layers = tuple(_MAPS)
    minimum = 2 * _MARGIN + 2 * _LOGITS_STRIDE

    def __init__(self, width: int = 32, spectral_norm: bool = True) -> None:
        super().__init__()
        check_positive(width=width)
        # Random, but fixed, and saved with the weights.
        for layer, (channels, _, _) in _MAPS.items():
            self.register_buffer(f"project_{layer}", _random_projection(channels, width))
            self.register_buffer(f"mix_{layer}", _random_projection(width, width))
        self.heads = nn.ModuleDict(
            {layer: _head(width, stride, spectral_norm) for layer, (_, stride, _) in _MAPS.items()}
        )

    def forward(self, maps: Mapping[str, Tensor]) -> list[Tensor]:
        """Return one map of logits per layer.

        Raises:
            ImageError: the patches are too small for one logit.
        """
        side = min(maps["relu1_2"].shape[-2:])
        if side < self.minimum:
            raise ImageError(
                f"patches of {side} pixels are too small for this discriminator; it needs {self.minimum}"
            )
        logits = []
        coarser: Tensor | None = None
        for layer in reversed(self.feature_layers):
            coarser = self._project(layer, maps[layer], coarser)
            logits.append(self.heads[layer](coarser))
        return logits[::-1]

    def _project(self, layer: str, features: Tensor, coarser: Tensor | None) -> Tensor:
        """Mix the channels of a map, and add the next coarser projection."""
        _, stride, scale = _MAPS[layer]
        margin = _MARGIN // stride
        inside = features[..., margin:-margin, margin:-margin]
        weight = self.get_buffer(f"project_{layer}")
        projected = F.conv2d(inside, (weight / scale).to(inside.dtype)).to(weight.dtype)
        if coarser is None:
            return projected
        mixed = F.conv2d(coarser, self.get_buffer(f"mix_{layer}"))
        enlarged = F.interpolate(mixed, projected.shape[-2:], mode="bilinear", align_corners=False)
        return (projected + enlarged) / 2**0.5


def _random_projection(inputs: int, outputs: int) -> Tensor:
    """Return the kernel of a 1x1 convolution that keeps the variance."""
    return nn.init.normal_(torch.empty(outputs, inputs, 1, 1), std=inputs**-0.5)


def _head(width: int, stride: int, spectral: bool) -> nn.Sequential:
    """Build convolutions of stride 2 down to the logits' stride, and one to the logits."""
    modules: list[nn.Module] = []
    inputs = width
    while stride < _LOGITS_STRIDE:
        modules += [nn.Conv2d(inputs, 2 * width, 4, 2, padding=1), nn.LeakyReLU(0.2, inplace=True)]
        inputs, stride = 2 * width, 2 * stride
    modules.append(nn.Conv2d(inputs, 1, 3, padding=1))
    return nn.Sequential(
        *(add_spectral_norm(m) if spectral and isinstance(m, nn.Conv2d) else m for m in modules)
    )
