"""Which VGG-16 to use.

``auto`` looks, in this order: the file that ``GANSTYLE_VGG16`` names; torchvision's own cache; a download
into that cache; the distilled network that ships with ganstyle, with a warning. The file used is
identified by its SHA-256 in every result.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path

import torch

from ganstyle.errors import WeightsError
from ganstyle.files import expand_user
from ganstyle.models import DistilledFeatures, VGG16Features
from ganstyle.models.vgg import Padding
from ganstyle.weights.download import download_file
from ganstyle.weights.files import (
    WeightsFile,
    hash_weights,
    is_file,
    path_in_environment,
    read_state,
    torch_cache,
)
from ganstyle.weights.student import is_student, load_student, shipped_student

# torchvision's VGG16_Weights.IMAGENET1K_FEATURES: Simonyan and Zisserman's own weights (CC BY 4.0). The name
# ends in the first digits of the file's SHA-256, as all names of torchvision's weights do.
VGG16_FILE = "vgg16_features-amdegroot-88682ab5.pth"
VGG16_URL = f"https://download.pytorch.org/models/{VGG16_FILE}"
_HASH_PREFIX = VGG16_FILE.removesuffix(".pth").rpartition("-")[2]

# The first blocks of that file, up to relu3_3, as a safetensors file: what the shipped styles were made with.
_HEAD = "7d9a507d234837a34e1d184a09a17a7b8a4775bdbe1833bdba42b82b4bef0c58"

_OTHER_NETWORK = "397923af"  # vgg16-397923af.pth

_OFFLINE = (
    f"without a network, fetch {VGG16_URL} elsewhere and {{}}, "
    "or give its path to --vgg (in a recipe: vgg), or use --vgg distilled"
)
_SET = _OFFLINE.format("set GANSTYLE_VGG16 to the file")

FeatureNetwork = VGG16Features | DistilledFeatures


def vgg16_cache() -> Path:
    """Return where torchvision keeps the file, whether it is there or not."""
    return torch_cache(VGG16_FILE)


def find_vgg16(spec: str = "auto", *, download: bool = True) -> WeightsFile:
    """Decide which file of VGG-16 weights to use.

    Args:
        spec: ``auto`` (see above), ``distilled`` (the network that ships with ganstyle), ``imagenet``
            (torchvision's file from its cache or a download), or the path of a distilled network or of a
            ``.safetensors`` or ``.pth`` file in torchvision's ``features.N`` layout.
        download: whether the network may be used.

    Raises:
        WeightsError: there is no such file, no weights were found, or the hash is wrong.
    """
    named = path_in_environment("GANSTYLE_VGG16")
    if spec == "auto" and named:
        return _local_file(named, "GANSTYLE_VGG16 names it")
    if spec == "distilled":
        return _local_file(shipped_student(), "it ships with ganstyle")
    if spec not in ("auto", "imagenet"):
        return _local_file(expand_user(spec), "asked for by its path")
    cached = vgg16_cache()
    if is_file(cached):
        return _imagenet_file(cached, "in torchvision's cache")
    problem, advice = f"GANSTYLE_VGG16 is not set and {cached} does not exist", _SET
    if spec == "imagenet":  # which does not look at GANSTYLE_VGG16
        place = f"copy it to {cached}, or set GANSTYLE_VGG16 to it and use --vgg auto"
        problem, advice = f"{cached} does not exist", _OFFLINE.format(place)
    if download:
        try:
            download_file("VGG-16", VGG16_URL, cached, _HASH_PREFIX, otherwise=advice)
            return _imagenet_file(cached, "downloaded into torchvision's cache")
        except WeightsError as error:
            if spec == "imagenet":
                raise
            problem = str(error).partition(";")[0]
    if spec == "imagenet" or not is_file(shipped_student()):
        raise WeightsError(f"VGG-16: {problem}; {advice}")
    warnings.warn(f"{problem}; the distilled VGG-16 that ships with ganstyle is used", stacklevel=2)
    return _local_file(shipped_student(), "no ImageNet weights were found")


def same_network(one: str, other: str) -> bool:
    """Say by the SHA-256 of two files whether they hold the same VGG-16, as far as both go."""
    return one == other or all(each == _HEAD or each.startswith(_HASH_PREFIX) for each in (one, other))


def load_vgg16(
    weights: WeightsFile,
    layers: Sequence[str],
    *,
    dtype: torch.dtype = torch.float32,
    padding: Padding = "zeros",
) -> FeatureNetwork:
    """Build the feature network from a file that ``find_vgg16`` chose.

    Args:
        weights: the file.
        layers: the layers whose maps it returns.
        dtype: the type that the convolutions compute in.
        padding: what lies beyond a map's border: ``zeros`` to measure, ``replicate`` to train or to optimize
            pictures; see `VGG16Features`.

    Raises:
        WeightsError: the file is damaged, or lacks one of the layers.
    """
    student = load_student(weights.path, padding) if is_student(weights.path) else None
    state = {} if student else read_state(weights.path)
    try:
        if student:
            return DistilledFeatures(layers, student=student, dtype=dtype)
        return VGG16Features(layers, state=state, dtype=dtype, padding=padding)
    except WeightsError as error:
        raise WeightsError(f"{weights.path}: {error}") from error


def _local_file(path: Path, reason: str) -> WeightsFile:
    digest = hash_weights(path, "VGG-16", reason)
    if digest.startswith(_OTHER_NETWORK):
        raise WeightsError(
            f"{path}: is torchvision's IMAGENET1K_V1, another network with another normalization; {_SET}"
        )
    if is_student(path):
        name = "VGG-16 distilled"
    elif digest.startswith(_HASH_PREFIX):
        name = "VGG-16 ImageNet (torchvision)"
    else:
        name = f"VGG-16 ({path.stem})"
    return WeightsFile(name, path, digest, reason)


def _imagenet_file(path: Path, reason: str) -> WeightsFile:
    digest = hash_weights(path, "VGG-16", reason)
    if not digest.startswith(_HASH_PREFIX):
        raise WeightsError(
            f"{path}: its SHA-256 starts with {digest[:8]}, not {_HASH_PREFIX}: it is damaged; delete it"
        )
    return WeightsFile("VGG-16 ImageNet (torchvision)", path, digest, reason)
