"""The yardstick: how much of the photo is lost and how far the style is, for any method and network."""

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

from ganstyle.images import resize_shorter
from ganstyle.losses import Distances, StyleTarget, content_loss, image_pyramid, style_loss
from ganstyle.losses.features import FeatureExtractor
from ganstyle.losses.pyramid import average_halving

YARDSTICK_LAYERS = ("relu1_2", "relu2_2", "relu3_3")
COARSE_OCTAVES = 3
"""Halvings of the image at which the coarse style is measured: 1/2, 1/4 and 1/8 of its size."""

SMALLEST_OCTAVE = 8
"""Shorter side in pixels below which an octave is left out: relu3_3 would have fewer than 2x2 positions."""

_STYLE = dict.fromkeys(YARDSTICK_LAYERS, 1.0)
_CONTENT = {"relu3_3": 1.0}


class Yardstick:
    """Measures pictures against their photos and against a painting.

    ``content = ‖F(x) − F(c)‖² / ‖F(c)‖²`` at relu3_3. ``style`` is the mean over relu1_2, relu2_2 and relu3_3
    of ``‖G(x) − G(s)‖² / ‖G(s)‖²``. ``style_coarse`` is the same distance after picture and painting were
    halved once, twice and three times by 2x2 averages, the mean over these octaves. It measures the
    painting's large forms: at full size, relu3_3 sees only 40 pixels.

    Args:
        features: gives at least ``YARDSTICK_LAYERS``.
        target: the painting's Gram matrices at those layers, by the same network; with octaves for
            ``style_coarse``.
    """

    def __init__(self, features: FeatureExtractor, target: StyleTarget) -> None:
        self._features = features
        self._octaves = target.octaves

    @classmethod
    def of_paintings(cls, features: FeatureExtractor, paintings: Sequence[Tensor], *, size: int) -> Self:
        """Measure against paintings, resized so that their shorter sides are as long as the photos'.

        Args:
            features: gives at least ``YARDSTICK_LAYERS``.
            paintings: each (1, 3, H, W) in [0, 1]; of several, the mean Gram matrices count.
            size: shorter side of the photos that will be measured, in pixels.
        """
        return cls(features, yardstick_target(features, paintings, size=size))

    @torch.inference_mode()
    def measure(self, picture: Tensor, photo: Tensor) -> Distances:
        """Compare a picture (B, 3, H, W) in [0, 1] with its photo, of the same shape; return scalars."""
        maps = self._features(picture)
        return Distances(
            content_loss(maps, self._features(photo), _CONTENT), style_loss(maps, self._octaves[0], _STYLE)
        )

    @torch.inference_mode()
    def style_coarse(self, picture: Tensor) -> Tensor | None:
        """Return the coarse style distance of a picture (B, 3, H, W) in [0, 1], a scalar.

        None if the target has no octaves, or the picture is too small for the first.
        """
        octaves = min(len(self._octaves) - 1, coarse_octaves(min(picture.shape[-2:])))
        if octaves < 1:
            return None
        images = image_pyramid(picture, 1 + octaves, average_halving)[1:]
        distances = [
            style_loss(self._features(image), grams, _STYLE)
            for image, grams in zip(images, self._octaves[1:], strict=False)
        ]
        return torch.stack(distances).mean()


def yardstick_target(features: FeatureExtractor, paintings: Sequence[Tensor], *, size: int) -> StyleTarget:
    """Return the Gram matrices of paintings at the photos' size and at its halves.

    Args:
        features: gives at least ``YARDSTICK_LAYERS``.
        paintings: each (1, 3, H, W) in [0, 1].
        size: shorter side of the photos, in pixels.
    """
    resized = [resize_shorter(painting, size) for painting in paintings]
    pyramids = [image_pyramid(painting, 1 + coarse_octaves(size), average_halving) for painting in resized]
    targets = [StyleTarget.from_images(features, octave) for octave in zip(*pyramids, strict=True)]
    return StyleTarget(tuple(target.grams for target in targets))


def coarse_octaves(side: int) -> int:
    """Return how many halvings of an image are measured whose shorter side has ``side`` pixels."""
    return sum(side // 2**octave >= SMALLEST_OCTAVE for octave in range(1, COARSE_OCTAVES + 1))
