"""What a style loss compares with: a painting's Gram matrices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganstyle.losses.features import FeatureExtractor
from ganstyle.losses.gram import gram_matrix
from ganstyle.losses.pyramid import Halving, binomial_halving, usable_pyramid

_MOST_CHANNELS, _MOST_MATRICES = (
    1024,
    128,
)  # VGG-16 has 13 layers of up to 512 channels, and there are 8 octaves


@dataclass(frozen=True)
class StyleTarget:
    """What a style loss compares with: Gram matrices of a painting and, if asked for, of its halves.

    Attributes:
        octaves: for the painting and each of its halves, the largest first: layer → (C, C), float32.
    """

    octaves: tuple[Mapping[str, Tensor], ...]

    @property
    def grams(self) -> Mapping[str, Tensor]:
        """The Gram matrices at full size."""
        return self.octaves[0]

    @classmethod
    @torch.no_grad()
    def from_images(
        cls,
        features: FeatureExtractor,
        images: Sequence[Tensor],
        *,
        octaves: int = 1,
        weights: Sequence[float] | None = None,
        halve: Halving = binomial_halving,
    ) -> "StyleTarget":
        """Measure one painting, or the mean of several.

        Args:
            features: the network whose feature maps are compared.
            images: paintings, each (1, 3, H, W) in [0, 1]; their sizes may differ.
            octaves: how many sizes to measure; see `image_pyramid`. Fewer where the smallest painting is too
                small: see `usable_octaves`.
            weights: of the paintings, one each; they are divided by their sum. None: equal.
            halve: how an image is halved; see `image_pyramid`.
        """
        shares = [1.0] * len(images) if weights is None else list(weights)
        pyramids = [usable_pyramid(image, octaves, halve) for image in images]
        return cls(tuple(_mean_grams(features, octave, shares) for octave in zip(*pyramids, strict=False)))

    def to(self, device: torch.device | str) -> "StyleTarget":
        """Return the same target with its matrices on ``device``."""
        return StyleTarget(
            tuple({layer: gram.to(device) for layer, gram in grams.items()} for grams in self.octaves)
        )

    def tensors(self, *, compact: bool = False) -> dict[str, Tensor]:
        """Return the matrices by the names that they have in a style's file.

        Args:
            compact: their upper triangles only; the zeros below take no room in a zip file.
        """
        return {
            _prefix(octave) + layer: gram.triu() if compact else gram
            for octave, grams in enumerate(self.octaves)
            for layer, gram in grams.items()
        }

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> "StyleTarget":
        """Find the matrices among a file's tensors, whole ones or their upper triangles."""
        octaves: list[dict[str, Tensor]] = []
        while True:
            prefix = _prefix(len(octaves))
            found = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            if not found:
                return cls(tuple(octaves or [{}]))
            octaves.append(
                {layer: _whole(part) for layer, part in found.items() if not layer.startswith("octave")}
            )

    @staticmethod
    def expected_tensors(shapes: Mapping[str, Sequence[int]], *, least: int = 1) -> dict[str, Tensor]:
        """Return what a file's matrices should be, as tensors on the meta device.

        Args:
            shapes: of the file's tensors, by name; those that are no Gram matrices do not matter.
            least: how many matrices there must be; a style of a painting's code has none.

        Raises:
            ValueError: there are fewer matrices, or more than any feature network has layers.
        """
        found = {name: shape for name, shape in shapes.items() if name.startswith("gram.")}
        if not least <= len(found) <= _MOST_MATRICES:
            raise ValueError(f"it has {len(found)} Gram matrices, not {least} to {_MOST_MATRICES}")
        sides = {name: min(max(shape, default=1), _MOST_CHANNELS) for name, shape in found.items()}
        return {name: torch.empty(side, side, device="meta") for name, side in sides.items()}


def _mean_grams(
    features: FeatureExtractor, images: Sequence[Tensor], weights: Sequence[float]
) -> dict[str, Tensor]:
    total, mean = sum(weights), dict[str, Tensor]()
    for image, weight in zip(images, weights, strict=True):
        for layer, maps in features(image).items():
            gram = gram_matrix(maps)[0] * (weight / total)
            mean[layer] = mean[layer] + gram if layer in mean else gram
    return mean


def _whole(part: Tensor) -> Tensor:
    """Return a symmetric matrix, of which a compact file holds the upper triangle."""
    return part if part.tril(-1).any() else part + part.triu(1).mT


def _prefix(octave: int) -> str:
    """Return what an octave's matrices are called in a file; version 0.1.0 knew the full size only."""
    return f"gram.octave{octave}." if octave else "gram."
