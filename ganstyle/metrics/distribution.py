"""FID and KID in two directions: style (against crops of the painting) and content (against the photos)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ganstyle.data import StyleImages
from ganstyle.data.crops import crop_square
from ganstyle.metrics.frechet import Features, frechet_distance
from ganstyle.metrics.kid import kernel_distance

_LEAST_CROPS = 60
_PAINTING = 2**32 - 1  # keys the painting's crops; no photo has this number


@dataclass(frozen=True)
class Crops:
    """Which squares of the pictures are compared with as many of the painting.

    Attributes:
        side: in pixels.
        per_picture: cut from each picture.
        seed: of their places.
    """

    side: int
    per_picture: int
    seed: int = 0

    @classmethod
    def plan(cls, pictures: int, size: int, seed: int = 0) -> "Crops":
        """Half as large as the pictures' shorter side, and enough of them to fit a Gaussian to."""
        return cls(max(1, size // 2), max(1, -(-_LEAST_CROPS // pictures)), seed)

    def of_picture(self, picture: Tensor, number: int) -> list[Tensor]:
        """Cut a picture (1, 3, H, W); the same number gives the same places in a picture of this size."""
        rng = np.random.default_rng([self.seed, number])
        return [
            crop_square(picture[0], self.side, self.side, rng, flip=False) for _ in range(self.per_picture)
        ]

    def of_paintings(self, paintings: StyleImages, count: int, shorter: int) -> "list[Tensor]":
        """Cut ``count`` squares from paintings whose shorter side is thought of as ``shorter`` pixels."""
        rng = np.random.default_rng([self.seed, _PAINTING])
        return [
            paintings.random_patch(rng, self.side, shorter, scale=(1.0, 1.0), flip=False)
            for _ in range(count)
        ]


def distances(
    generated: Mapping[str, Features], real: Mapping[str, Features], suffix: str
) -> dict[str, float]:
    """Return FID and KID in each direction for which there are at least two images a side.

    Args:
        generated: direction → features of what was made.
        real: direction → features of what it should be like.
        suffix: the extractor's.

    Returns:
        Such as ``fid_style`` and ``kid_style``, or with VGG-16 ``fid_vgg16_style`` and ``kid_vgg16_style``.
    """
    values: dict[str, float] = {}
    for direction, features in generated.items():
        other = real.get(direction)
        if other is not None and min(len(features), len(other)) >= 2:
            values[f"fid{suffix}_{direction}"] = frechet_distance(features, other)
            values[f"kid{suffix}_{direction}"] = kernel_distance(features, other)
    return values
