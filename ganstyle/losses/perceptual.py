"""Content, style and total-variation losses on the features of a given network.

Content and style are relative: the squared distance to the target over the target's squared norm. So 0 is
"the same", 1 is "as far as an empty map", and one recipe's weights fit any layer, any feature network and
any painting. (Johnson et al. 2016 leave both unscaled, which ties the weights to one network.)
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from kornia.losses import total_variation as kornia_total_variation
from torch import Tensor, nn

from ganstyle.losses.features import FeatureExtractor, FeatureMaps
from ganstyle.losses.gram import gram_matrix
from ganstyle.losses.pyramid import usable_pyramid
from ganstyle.losses.target import StyleTarget

# Keeps a black target (all features 0) from dividing by zero; real squared norms are many orders above it.
_EPSILON = 1e-12


def relative_distance(value: Tensor, target: Tensor) -> Tensor:
    """Return ‖value − target‖² / ‖target‖² for each item of the batch.

    Args:
        value: shape (B, …).
        target: the same shape, or one that broadcasts to it.

    Returns:
        Shape (B,), float32 or better, at least 0.
    """
    exact = torch.promote_types(value.dtype, torch.float32)
    value, target = value.to(exact), target.to(exact).expand_as(value)
    distance = (value - target).square().flatten(1).sum(1)
    return distance / (target.square().flatten(1).sum(1) + _EPSILON)


def content_distance(features: FeatureMaps, target: FeatureMaps, weights: Mapping[str, float]) -> Tensor:
    """Say how much of each photo is lost: the weighted mean of the layers' relative distances.

    Args:
        features: the picture's feature maps, each (B, C, H, W).
        target: the photo's feature maps, of the same shapes.
        weights: the layers to compare and their weights; they are divided by their sum.

    Returns:
        Shape (B,).

    Source: Johnson et al. 2016, equation 2, divided by the target's squared norm.
    """
    return weighted_mean(
        {layer: relative_distance(features[layer], target[layer]) for layer in weights}, weights
    )


def content_loss(features: FeatureMaps, target: FeatureMaps, weights: Mapping[str, float]) -> Tensor:
    """Return the mean of `content_distance` over the batch, a scalar."""
    return content_distance(features, target, weights).mean()


def style_distance(
    features: FeatureMaps, grams: Mapping[str, Tensor], weights: Mapping[str, float]
) -> Tensor:
    """Say how far each picture's texture is from the painting's.

    Args:
        features: the picture's feature maps, each (B, C, H, W).
        grams: the painting's Gram matrices, each (C, C) or (B, C, C).
        weights: the layers to compare and their weights; they are divided by their sum.

    Returns:
        Shape (B,).

    Source: Johnson et al. 2016, equation 4, divided by the target's squared norm.
    """
    return weighted_mean(
        {layer: relative_distance(gram_matrix(features[layer]), grams[layer]) for layer in weights},
        weights,
    )


def style_loss(features: FeatureMaps, grams: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Return the mean of `style_distance` over the batch, a scalar."""
    return style_distance(features, grams, weights).mean()


def total_variation(image: Tensor) -> Tensor:
    """Return the mean absolute step between neighboring pixels, over rows and columns.

    Args:
        image: shape (B, 3, H, W), in [0, 1]. An image with a side of one pixel counts as 0.

    Returns:
        A scalar: the two means, over rows and over columns, added; the mean over channels and batch.
    """
    if min(image.shape[-2:]) < 2:
        return image.new_zeros(())
    return kornia_total_variation(image, reduction="mean").mean()


def weighted_mean(distances: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Return the mean of the layers' distances, with weights that are divided by their sum."""
    total = sum(weights.values())
    return torch.stack([distances[layer] * (weights[layer] / total) for layer in weights]).sum(0)


class Distances(NamedTuple):
    """Content and style distance, both relative and unweighted: of each picture, (B,), or of all, ()."""

    content: Tensor
    style: Tensor

    def mean(self) -> "Distances":
        """Return the means over the batch, scalars."""
        return Distances(self.content.mean(), self.style.mean())


class PerceptualLoss(nn.Module):
    """Content and style distance of pictures, on one octave or several.

    A network sees no form larger than its receptive field, 40 pixels for relu3_3. On the halves of an image
    the same layers see forms two, four and eight times as large (Snelgrove 2017; Gatys et al. 2017).

    The photo's own features are taken apart from the picture's, in a pass without gradients: a joint pass
    over both would be differentiated whole, and takes 1.3 to 1.5 times as long (measured on a CPU).

    Args:
        features: the network; it must return every layer named below.
        target: the style's Gram matrices, on the network's device.
        content_layers: layer → weight.
        style_layers: layer → weight.
        content_octaves: a weight for each octave that content is compared on, the full size first; they are
            divided by the sum of those that a picture is large enough for.
        style_octaves: likewise for style; not more than ``target`` has.

    Raises:
        ValueError: there are no weights, or more for style than the target has octaves.
    """

    def __init__(
        self,
        features: FeatureExtractor,
        target: StyleTarget,
        *,
        content_layers: Mapping[str, float],
        style_layers: Mapping[str, float],
        content_octaves: Sequence[float] = (1.0,),
        style_octaves: Sequence[float] = (1.0,),
    ) -> None:
        super().__init__()
        if not content_octaves or not style_octaves:
            raise ValueError("content and style each need the weight of one octave at least")
        if len(style_octaves) > len(target.octaves):
            raise ValueError(
                f"{len(style_octaves)} weights of style octaves, but the target has {len(target.octaves)}"
            )
        self.features = features
        self.target = target
        self.content_layers = dict(content_layers)
        self.style_layers = dict(style_layers)
        self.content_octaves = tuple(content_octaves)
        self.style_octaves = tuple(style_octaves)

    @torch.no_grad()
    def photo_features(self, photo: Tensor) -> list[FeatureMaps]:
        """Return what ``forward`` compares a picture with, octave by octave; fixed photos need this once."""
        octaves = [self.features(image) for image in usable_pyramid(photo, len(self.content_octaves))]
        return [{layer: maps[layer] for layer in self.content_layers} for maps in octaves]

    def picture_features(self, picture: Tensor) -> list[FeatureMaps]:
        """Return the picture's feature maps, octave by octave, with their graph."""
        count = max(len(self.content_octaves), len(self.style_octaves))
        return [self.features(image) for image in usable_pyramid(picture, count)]

    def forward(self, picture: Tensor, photo: Sequence[FeatureMaps]) -> Distances:
        """Compare each picture of (B, 3, H, W) in [0, 1] with its photo's features and with the style."""
        return self.compare(self.picture_features(picture), photo)

    def compare(self, picture: Sequence[FeatureMaps], photo: Sequence[FeatureMaps]) -> Distances:
        """Compare feature maps from `picture_features` with the photo's and with the style."""
        content = [
            content_distance(maps, target, self.content_layers)
            for maps, target in zip(picture, photo, strict=False)
        ]
        style = [
            style_distance(maps, grams, self.style_layers)
            for maps, grams in zip(picture, self.target.octaves[: len(self.style_octaves)], strict=False)
        ]
        return Distances(
            content=octave_mean(content, self.content_octaves), style=octave_mean(style, self.style_octaves)
        )


def octave_mean(distances: Sequence[Tensor], weights: Sequence[float] | None = None) -> Tensor:
    """Return the mean over the octaves that there are.

    Args:
        distances: of each octave, the full size first.
        weights: of at least as many octaves; None: equal.
    """
    used = [1.0] * len(distances) if weights is None else weights[: len(distances)]
    total = sum(used)
    return torch.stack([d * (w / total) for d, w in zip(distances, used, strict=True)]).sum(0)
