"""What the style of pictures is compared with."""

from dataclasses import dataclass

import torch

from ganstyle.data import StyleImages
from ganstyle.images import resize_shorter
from ganstyle.losses import StyleTarget
from ganstyle.losses.perceptual import FeatureExtractor


@dataclass(frozen=True)
class StyleReference:
    """What the style of pictures is compared with.

    Attributes:
        target: Gram matrices at ``YARDSTICK_LAYERS``.
        source: where they come from, for people.
        paintings: None where there is no copy of the painting.
        key: identifies the style where stored features stand in for its painting; empty: none may.
    """

    target: StyleTarget
    source: str
    paintings: StyleImages | None
    key: str = ""

    @classmethod
    def of_paintings(
        cls,
        features: FeatureExtractor,
        paintings: StyleImages,
        size: int,
        device: torch.device | str = "cpu",
        *,
        key: str = "",
    ) -> "StyleReference":
        """Measure paintings as the yardstick does: with shorter sides as long as the photos'."""
        images = [resize_shorter(painting.to(device), size) for painting in paintings.images]
        source = f"{', '.join(path.name for path in paintings.paths)} at {size} px"
        return cls(StyleTarget.from_images(features, images), source, paintings, key)
