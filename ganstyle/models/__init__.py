"""The networks: two generators, a discriminator and a feature extractor."""

from torch import nn

from ganstyle.models.patchgan import PatchGANDiscriminator
from ganstyle.models.resnet import ResNetGenerator
from ganstyle.models.unet import UNetGenerator
from ganstyle.models.vgg import VGG16Features

__all__ = [
    "DISCRIMINATORS",
    "GENERATORS",
    "PatchGANDiscriminator",
    "ResNetGenerator",
    "UNetGenerator",
    "VGG16Features",
]

GENERATORS: dict[str, type[nn.Module]] = {"resnet": ResNetGenerator, "unet": UNetGenerator}
DISCRIMINATORS: dict[str, type[nn.Module]] = {"patchgan": PatchGANDiscriminator}
