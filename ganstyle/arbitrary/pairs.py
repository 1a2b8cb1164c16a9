"""The loss of pairs: each picture is compared with its own photo and its own painting."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganstyle.arbitrary.recipe import PairLossSection
from ganstyle.losses import (
    PerceptualLoss,
    StyleTarget,
    gram_matrix,
    total_variation,
    usable_pyramid,
)
from ganstyle.losses.features import FeatureExtractor, FeatureMaps


@dataclass(frozen=True)
class PaintingView:
    """What a training step needs to know of its paintings.

    Attributes:
        octaves: feature maps of the paintings and their halves, for the encoder.
        target: the Gram matrices of each painting, (B, C, C) for each octave and layer.
    """

    octaves: Sequence[FeatureMaps]
    target: StyleTarget


class PairLoss:
    """Content, style and total variation of pictures, each by its own pair.

    Args:
        features: the network that the losses see with.
        encoding: the network that the encoder sees with; may be the same object, which saves a pass.
        section: the recipe's ``loss``.
        octaves: octaves of a painting that the encoder reads.
    """

    def __init__(
        self,
        features: FeatureExtractor,
        encoding: FeatureExtractor,
        section: PairLossSection,
        *,
        octaves: int,
    ) -> None:
        self.features = features
        self.encoding = encoding
        self.section = section
        self.octaves = octaves

    @torch.no_grad()
    def view(self, paintings: Tensor) -> PaintingView:
        """Look at paintings, (B, 3, H, W) in [0, 1], for the encoder and for the loss."""
        wanted = len(self.section.style_octave_weights)
        shared = self.encoding is self.features
        count = max(wanted, self.octaves) if shared else wanted
        maps = [self.features(image) for image in usable_pyramid(paintings, count)]
        target = StyleTarget(
            tuple(
                {layer: gram_matrix(octave[layer]) for layer in self.section.style_layers} for octave in maps
            )
        )
        if shared:
            return PaintingView(maps[: self.octaves], target)
        return PaintingView(
            [self.encoding(image) for image in usable_pyramid(paintings, self.octaves)], target
        )

    def __call__(
        self, picture: Tensor, photo: Tensor, view: PaintingView, adversarial: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the weighted loss, a scalar, and what to log.

        Args:
            picture: the generator's, (B, 3, H, W) in [0, 1].
            photo: what it was made from, of the same shape.
            view: of the paintings whose style it should have.
            adversarial: the adversarial loss of these pictures, if there is a discriminator.
        """
        section = self.section
        perceptual = PerceptualLoss(
            self.features,
            view.target,
            content_layers=section.content_layers,
            style_layers=section.style_layers,
            content_octaves=section.content_octave_weights,
            style_octaves=section.style_octave_weights[: len(view.target.octaves)],
        )
        distances = perceptual(picture, perceptual.photo_features(photo))
        tv = total_variation(picture)
        content, style = (soften_outliers(each, section.outlier).mean() for each in distances)
        total = section.content * content + section.style * style + section.tv * tv
        if adversarial is not None:
            total = total + section.adversarial * adversarial
        measured = distances.mean()
        log = {"loss/generator": total, "loss/content": measured.content, "loss/style": measured.style}
        log |= {"loss/tv": tv, "loss/style_median": distances.style.median()}
        return total, log if adversarial is None else log | {"loss/adversarial": adversarial}


def soften_outliers(distances: Tensor, bound: float) -> Tensor:
    """Let distances beyond a bound grow by their logarithm only, so that no single pair rules a step.

    ``d`` up to the bound, ``bound · (1 + log(d / bound))`` beyond; the slope is continuous. A distance is
    relative to its target, so it is huge for a target of nearly nothing, such as a painting in black.

    Args:
        distances: any shape, at least 0.
        bound: above 0.
    """
    beyond = bound * (1 + (distances.clamp_min(bound) / bound).log())
    return torch.where(distances > bound, beyond, distances)
