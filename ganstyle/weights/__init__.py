"""Which VGG-16 and which Inception: a local file, a download, or the distilled network that ships."""

from ganstyle.weights.files import WeightsFile, path_in_environment, read_state
from ganstyle.weights.inception import INCEPTION_FILE, INCEPTION_URL, find_inception, inception_cache
from ganstyle.weights.vgg16 import (
    VGG16_FILE,
    VGG16_URL,
    FeatureNetwork,
    find_vgg16,
    load_vgg16,
    same_network,
    vgg16_cache,
)

__all__ = [
    "INCEPTION_FILE",
    "INCEPTION_URL",
    "VGG16_FILE",
    "VGG16_URL",
    "FeatureNetwork",
    "WeightsFile",
    "find_inception",
    "find_vgg16",
    "inception_cache",
    "load_vgg16",
    "path_in_environment",
    "read_state",
    "same_network",
    "vgg16_cache",
]
