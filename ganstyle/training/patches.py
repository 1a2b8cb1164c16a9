"""What a discriminator is shown: patches of paintings and of pictures, as pixels or as feature maps."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, cat

from ganstyle.losses import draw_augmentation
from ganstyle.losses.features import FeatureExtractor, FeatureMaps
from ganstyle.models import DISCRIMINATORS
from ganstyle.recipe import Recipe

Patches = Tensor | FeatureMaps
"""(B, 3, P, P) in [0, 1]; or the feature maps of such patches, by layer."""

_GRAY = 0.5  # of pixels; feature maps are zero where a patch is hidden
_COARSEST = 4  # stride of relu3_3, which patches are aligned to if feature maps are cut


@dataclass(frozen=True)
class Crop:
    """A square part of a picture: its corner and its side, in pixels."""

    top: int
    left: int
    size: int

    def of(self, image: Tensor, *, stride: int = 1) -> Tensor:
        """Cut it out of (B, C, H, W), or out of a feature map of that stride."""
        top, left, size = self.top // stride, self.left // stride, self.size // stride
        return image[..., top : top + size, left : left + size]


@dataclass(frozen=True)
class PatchView:
    """Turns paintings' patches and generated pictures into what a discriminator is shown.

    Attributes:
        layers: the layers whose maps it is shown; empty: pixels.
        size: side of a patch in pixels.
        augment: see `draw_augmentation`.
    """

    layers: Sequence[str]
    size: int
    augment: Sequence[str] = ()

    @classmethod
    def of_recipe(cls, recipe: Recipe) -> "PatchView | None":
        """Return what the recipe's discriminator is shown; None without one."""
        section = recipe.discriminator
        if section is None:
            return None
        layers = DISCRIMINATORS[section.name].feature_layers
        return cls(layers, section.patch_size, tuple(section.augment))

    def random_crop(self, image_size: int, seed: int, drawn: int) -> Crop:
        """Choose the crop of the pictures that is shown, the same on every process.

        Args:
            image_size: side of the pictures in pixels.
            seed: the run's.
            drawn: photos that were drawn before.
        """
        rng, grid = random.Random(f"{seed} {drawn}"), _COARSEST if self.layers else 1
        room = (image_size - self.size) // grid
        return Crop(rng.randint(0, room) * grid, rng.randint(0, room) * grid, self.size)

    def of_paintings(self, patches: Tensor, features: FeatureExtractor, rng: np.random.Generator) -> Patches:
        """Return what is shown of patches (B, 3, P, P) of paintings."""
        return self._augmented(features(patches) if self.layers else patches, rng)

    def of_pictures(
        self, picture: Tensor, maps: FeatureMaps | None, crop: Crop, rng: np.random.Generator
    ) -> Patches:
        """Return what is shown of generated pictures.

        Args:
            picture: (B, 3, H, W) in [0, 1].
            maps: the pictures' feature maps, if those are shown.
            crop: the part that is shown.
            rng: draws the augmentation.
        """
        if maps is None:
            return self._augmented(crop.of(picture), rng)
        strides = {layer: picture.shape[-1] // maps[layer].shape[-1] for layer in self.layers}
        return self._augmented({k: crop.of(maps[k], stride=stride) for k, stride in strides.items()}, rng)

    def _augmented(self, patches: Patches, rng: np.random.Generator) -> Patches:
        pixels = isinstance(patches, Tensor)
        batch = len(patches if isinstance(patches, Tensor) else next(iter(patches.values())))
        grid = self.size if pixels else self.size // _COARSEST
        augmentation = draw_augmentation(self.augment, batch, rng, grid=grid)
        if isinstance(patches, Tensor):
            return augmentation.apply(patches, fill=_GRAY)
        return {layer: augmentation.apply(patches[layer]) for layer in self.layers}


def detached(patches: Patches) -> Patches:
    """Return the same patches without their graph."""
    if isinstance(patches, Tensor):
        return patches.detach()
    return {layer: maps.detach() for layer, maps in patches.items()}


def joined(first: Patches, second: Patches) -> Patches:
    """Return one batch of both."""
    if isinstance(first, Tensor):
        assert isinstance(second, Tensor)
        return cat([first, second])
    assert not isinstance(second, Tensor)
    return {layer: cat([first[layer], second[layer]]) for layer in first}
