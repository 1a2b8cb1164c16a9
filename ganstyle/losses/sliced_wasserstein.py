"""The sliced Wasserstein distance: how far the distribution of feature vectors is from the painting's.

A Gram matrix holds second moments only, and different textures can share them. On a line, the optimal
transport from one distribution to another pairs sorted values; the mean over random lines compares the
distributions whole.

Source: Heitz et al. 2021, "A Sliced Wasserstein Loss for Neural Texture Synthesis", equations 5 to 7. We draw
at most 32 directions and 2,048 positions a layer rather than as many as it has channels and positions, which
makes it as cheap as Gram matrices, and divide by the target's energy, as the other losses do.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ganstyle.losses.features import FeatureExtractor, FeatureMaps
from ganstyle.losses.perceptual import octave_mean, relative_distance, weighted_mean
from ganstyle.losses.pyramid import usable_pyramid

DIRECTIONS = 32
"""The most random directions of a layer; never more than it has channels."""

POSITIONS = 2048
"""The most random positions of a layer."""

_HELD = 8 * POSITIONS  # of the painting, of which each step draws from


def sliced_wasserstein_distance(features: Tensor, target: Tensor, directions: Tensor) -> Tensor:
    """Compare distributions of feature vectors, wherever the vectors are, on some directions.

    Args:
        features: (B, C, …), any floating-point type.
        target: (C, M), of any number of positions M: its quantiles are interpolated linearly.
        directions: (C, K), each of length 1.

    Returns:
        Shape (B,), float32 or better: the squared distance of the sorted projections over the squared norm
        of the target's. 0: the same distribution; 1: as far as an empty map.
    """
    exact = torch.promote_types(features.dtype, torch.float32)
    with torch.autocast(features.device.type, enabled=False):
        lines = directions.to(exact).mT
        value = (lines @ features.to(exact).flatten(2)).sort(-1).values
        wanted = (lines @ target.to(exact)).sort(-1).values.unsqueeze(0)
        if wanted.shape[-1] != value.shape[-1]:
            wanted = F.interpolate(wanted, value.shape[-1], mode="linear", align_corners=False)
        return relative_distance(value, wanted)


class SlicedWasserstein:
    """Sliced Wasserstein distance of pictures from a style, octave by octave and layer by layer.

    Args:
        samples: the painting's feature vectors for each octave, the largest first: layer → (C, M).
        layers: layer → weight; they are divided by their sum.
        octaves: a weight for each octave, the full size first; they are divided by the sum of those that
            both painting and picture are large enough for.
    """

    def __init__(
        self,
        samples: Sequence[Mapping[str, Tensor]],
        *,
        layers: Mapping[str, float],
        octaves: Sequence[float],
    ) -> None:
        self.samples = tuple(samples)
        self.layers = dict(layers)
        self.octaves = tuple(octaves)

    @classmethod
    @torch.no_grad()
    def from_images(
        cls,
        features: FeatureExtractor,
        images: Sequence[Tensor],
        rng: np.random.Generator,
        *,
        layers: Mapping[str, float],
        octaves: Sequence[float],
    ) -> "SlicedWasserstein":
        """Sample the feature vectors of one painting, or of several in equal parts.

        Args:
            features: the network whose feature maps are compared.
            images: paintings, each (1, 3, H, W) in [0, 1]; their sizes may differ.
            rng: draws the positions that are held, where there are more than 16,384.
            layers: see the class.
            octaves: see the class.
        """
        pyramids = [usable_pyramid(image, len(octaves)) for image in images]
        samples: list[dict[str, Tensor]] = []
        for octave in zip(*pyramids, strict=False):
            maps = [features(image) for image in octave]
            samples.append({layer: _mixed([each[layer] for each in maps], rng) for layer in layers})
        return cls(samples, layers=layers, octaves=octaves)

    def __call__(self, picture: Sequence[FeatureMaps], rng: np.random.Generator) -> Tensor:
        """Compare pictures with the style.

        Args:
            picture: their feature maps, each (B, C, H, W), octave by octave.
            rng: draws directions and positions, the same for all items of the batch.

        Returns:
            Shape (B,).
        """
        distances = []
        for maps, samples in zip(picture[: len(self.octaves)], self.samples, strict=False):
            each = {layer: _sampled_distance(maps[layer], samples[layer], rng) for layer in self.layers}
            distances.append(weighted_mean(each, self.layers))
        return octave_mean(distances, self.octaves)


def _sampled_distance(maps: Tensor, samples: Tensor, rng: np.random.Generator) -> Tensor:
    """Compare (B, C, H, W) with (C, M) on random directions, at random positions of both."""
    channels = len(samples)
    drawn = rng.standard_normal((channels, min(DIRECTIONS, channels)), dtype=np.float32)
    directions = torch.from_numpy(drawn / np.linalg.norm(drawn, axis=0)).to(maps.device)
    # Sampled alike, extremes of both are as rare, so that the distance has no bias toward dull pictures.
    return sliced_wasserstein_distance(
        _random_positions(maps.flatten(2), POSITIONS, rng),
        _random_positions(samples, POSITIONS, rng),
        directions,
    )


def _random_positions(vectors: Tensor, most: int, rng: np.random.Generator) -> Tensor:
    """Return ``most`` different positions of (…, N), in any order; all of them if there are no more."""
    count = vectors.shape[-1]
    if count <= most:
        return vectors
    chosen = torch.from_numpy(rng.choice(count, most, replace=False, shuffle=False))
    return vectors.index_select(-1, chosen.to(vectors.device))


def _mixed(maps: Sequence[Tensor], rng: np.random.Generator) -> Tensor:
    """Return as many feature vectors of each of the paintings' maps, (C, M), float32."""
    share = min(_HELD // len(maps), *(each[0, 0].numel() for each in maps))
    parts = [_random_positions(each[0].flatten(1), share, rng) for each in maps]
    return torch.cat(parts, dim=-1).float()
