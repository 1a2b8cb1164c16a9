"""What the losses are given to see with: a network that returns feature maps by layer."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from torch import Tensor

FeatureMaps = Mapping[str, Tensor]


class FeatureExtractor(Protocol):
    """A network, or any function, that returns feature maps by layer."""

    def __call__(self, x: Tensor, /) -> FeatureMaps:
        """Return each layer's map, (B, C, h, w), for images (B, 3, H, W) in [0, 1]."""
        ...


@runtime_checkable
class SizedFeatureExtractor(FeatureExtractor, Protocol):
    """A feature extractor that declares which images are too small for it, as every pooling network does.

    Attributes:
        minimum: the shortest side of an image that it accepts, in pixels.
    """

    minimum: int


def minimum_side(features: FeatureExtractor) -> int:
    """Return the shortest side of an image that ``features`` accepts, in pixels; 1 if it declares none."""
    return features.minimum if isinstance(features, SizedFeatureExtractor) else 1
