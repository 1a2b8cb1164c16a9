"""The losses of the generators, the discriminators and Gatys' optimization."""

from ganstyle.losses.adversarial import GAN_LOSSES, GANLoss, r1_penalty
from ganstyle.losses.augment import AUGMENTATIONS, Augmentation, draw_augmentation
from ganstyle.losses.gram import gram_matrix
from ganstyle.losses.perceptual import (
    Distances,
    PerceptualLoss,
    content_loss,
    relative_distance,
    style_loss,
    total_variation,
)
from ganstyle.losses.pyramid import (
    image_pyramid,
    missing_octaves,
    usable_octaves,
    usable_pyramid,
)
from ganstyle.losses.rings import Rings, ring_density
from ganstyle.losses.sliced_wasserstein import SlicedWasserstein
from ganstyle.losses.stray_color import stray_color
from ganstyle.losses.target import StyleTarget
from ganstyle.losses.temporal import SyntheticMotion, draw_motion, temporal_loss

__all__ = [
    "AUGMENTATIONS",
    "GAN_LOSSES",
    "Augmentation",
    "Distances",
    "GANLoss",
    "PerceptualLoss",
    "Rings",
    "SlicedWasserstein",
    "StyleTarget",
    "SyntheticMotion",
    "content_loss",
    "draw_augmentation",
    "draw_motion",
    "gram_matrix",
    "image_pyramid",
    "missing_octaves",
    "r1_penalty",
    "relative_distance",
    "ring_density",
    "stray_color",
    "style_loss",
    "temporal_loss",
    "total_variation",
    "usable_octaves",
    "usable_pyramid",
]
