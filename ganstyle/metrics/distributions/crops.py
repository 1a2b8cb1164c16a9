"""Squares of the pictures that are compared with as many squares of the painting."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ganstyle.data import StyleImages
from ganstyle.data.crops import crop_square

_LEAST_CROPS = 60
_PAINTING = 2**32 - 1  # seeds the painting's crops; no photo has this number


@dataclass(frozen=True)
class Crops:
    """Which squares of the pictures are compared with as many of the painting.

    Attributes:
        side: in pixels.
        per_picture: number of squares cut from each picture.
        seed: of their positions.
    """

    side: int
    per_picture: int
    seed: int = 0

    @classmethod
    def plan(cls, pictures: int, size: int, seed: int = 0) -> "Crops":
        """Cut squares half as large as the pictures' shorter side, enough of them to fit a Gaussian to."""
        return cls(max(1, size // 2), max(1, -(-_LEAST_CROPS // pictures)), seed)

    def of_picture(self, picture: Tensor, number: int) -> list[Tensor]:
        """Cut a picture (1, 3, H, W); the same number gives the same positions in a picture of this size."""
        rng = np.random.default_rng([self.seed, number])
        return [
            crop_square(picture[0], self.side, self.side, rng, flip=False) for _ in range(self.per_picture)
        ]

    def of_paintings(self, paintings: StyleImages, count: int, shorter: int) -> list[Tensor]:
        """Cut ``count`` squares from paintings, as if their shorter sides had ``shorter`` pixels."""
        rng = np.random.default_rng([self.seed, _PAINTING])
        return [
            paintings.random_patch(rng, self.side, shorter, scale=(1.0, 1.0), flip=False)
            for _ in range(count)
        ]
