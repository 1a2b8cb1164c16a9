"""The networks: generators, discriminators and feature extractors."""

from torch import nn

from ganstyle.models.blocks import Pad, pad, pad_sides, wrapping_around
from ganstyle.models.coarse_branch import is_coarse_branch
from ganstyle.models.distilled import STUDENT_LAYERS, DistilledFeatures, VGG16Student
from ganstyle.models.lean import LeanGenerator
from ganstyle.models.norms import InstanceNorm
from ganstyle.models.patchgan import PatchGANDiscriminator
from ganstyle.models.projected import ProjectedDiscriminator
from ganstyle.models.protocols import Discriminator, Generator
from ganstyle.models.resnet import ResNetGenerator
from ganstyle.models.strength import MAX_STRENGTH, is_strength, takes_strength
from ganstyle.models.unet import UNetGenerator
from ganstyle.models.vgg import VGG16Features

__all__ = [
    "DISCRIMINATORS",
    "GENERATORS",
    "MAX_STRENGTH",
    "STUDENT_LAYERS",
    "Discriminator",
    "DistilledFeatures",
    "Generator",
    "InstanceNorm",
    "LeanGenerator",
    "Pad",
    "PatchGANDiscriminator",
    "ProjectedDiscriminator",
    "ResNetGenerator",
    "UNetGenerator",
    "VGG16Features",
    "VGG16Student",
    "is_coarse_branch",
    "is_strength",
    "pad",
    "pad_sides",
    "takes_strength",
    "wrapping_around",
]

GENERATORS: dict[str, type[nn.Module]] = {
    "lean": LeanGenerator,
    "resnet": ResNetGenerator,
    "unet": UNetGenerator,
}
DISCRIMINATORS: dict[str, type[PatchGANDiscriminator] | type[ProjectedDiscriminator]] = {
    "patchgan": PatchGANDiscriminator,
    "projected": ProjectedDiscriminator,
}
