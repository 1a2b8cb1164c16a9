"""What the style of pictures is compared with."""

from dataclasses import dataclass

import torch

from ganstyle.data import StyleImages
from ganstyle.losses import StyleTarget
from ganstyle.losses.features import FeatureExtractor
from ganstyle.metrics.similarity.yardstick import yardstick_target


@dataclass(frozen=True)
class StyleReference:
    """What the style of pictures is compared with.

    Attributes:
        target: Gram matrices at ``YARDSTICK_LAYERS``, with octaves where these are known.
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
        source = f"{', '.join(path.name for path in paintings.paths)} at {size} px"
        target = yardstick_target(features, [image.to(device) for image in paintings.images], size=size)
        return cls(target, source, paintings, key)
