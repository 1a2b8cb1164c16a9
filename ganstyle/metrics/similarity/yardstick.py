"""The yardstick: how much of the photo is lost and how far the style is, whatever a method trained on."""

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

from ganstyle.images import resize_shorter
from ganstyle.losses import Distances, PerceptualLoss, StyleTarget
from ganstyle.losses.perceptual import FeatureExtractor

YARDSTICK_LAYERS = ("relu1_2", "relu2_2", "relu3_3")
_STYLE = dict.fromkeys(YARDSTICK_LAYERS, 1.0)
_CONTENT = {"relu3_3": 1.0}


class Yardstick:
    """Measures pictures against their photos and against a painting.

    ``content = ‖F(x) − F(c)‖² / ‖F(c)‖²`` at relu3_3, and ``style`` the mean over relu1_2, relu2_2 and
    relu3_3 of ``‖G(x) − G(s)‖² / ‖G(s)‖²``.

    Args:
        features: gives at least ``YARDSTICK_LAYERS``.
        target: the painting's Gram matrices at those layers, by the same network.
    """

    def __init__(self, features: FeatureExtractor, target: StyleTarget) -> None:
        self._loss = PerceptualLoss(features, target, content_layers=_CONTENT, style_layers=_STYLE)

    @classmethod
    def of_paintings(cls, features: FeatureExtractor, paintings: Sequence[Tensor], *, size: int) -> Self:
        """Measure against paintings, their shorter sides as long as the photos' as the rule has it.

        Args:
            features: gives at least ``YARDSTICK_LAYERS``.
            paintings: each (1, 3, H, W) in [0, 1]; of several, the mean Gram matrices count.
            size: shorter side of the photos that will be measured, in pixels.
        """
        return cls(features, StyleTarget.from_images(features, [resize_shorter(p, size) for p in paintings]))

    @torch.inference_mode()
    def measure(self, picture: Tensor, photo: Tensor) -> Distances:
        """Compare a picture (B, 3, H, W) in [0, 1] with its photo, of the same shape; return scalars."""
        distances: Distances = self._loss(picture, self._loss.photo_features(photo))
        return distances.mean()
