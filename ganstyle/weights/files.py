"""Which VGG-16 and which Inception to use, where they come from, and proof that they are the right files.

For VGG-16 ``auto`` looks, in this order: the file that ``GANSTYLE_VGG16`` names; torchvision's own cache; a
download into that cache; the distilled network that ships with ganstyle, with a warning. For Inception,
which only FID and KID need, it is ``GANSTYLE_INCEPTION``, torch's cache, a download. Whatever is used is
named by its SHA-256 in every result.
"""

import os
import urllib.request
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors.torch import load_file
from torch import Tensor

from ganstyle.errors import WeightsError
from ganstyle.files import atomic_write, sha256
from ganstyle.models import DistilledFeatures, VGG16Features
from ganstyle.weights.student import is_student, load_student, shipped_student

# torchvision's VGG16_Weights.IMAGENET1K_FEATURES: Simonyan and Zisserman's own weights (CC BY 4.0). The name
# ends in the first digits of the file's SHA-256, as all names of torchvision's weights do.
VGG16_FILE = "vgg16_features-amdegroot-88682ab5.pth"
VGG16_URL = f"https://download.pytorch.org/models/{VGG16_FILE}"
_HASH_PREFIX = VGG16_FILE.removesuffix(".pth").rpartition("-")[2]

_OTHER_NETWORK = "397923af"  # vgg16-397923af.pth

# The network of the FID as most people compute it (Heusel et al. 2017), as TorchScript: 95,607,719 bytes.
INCEPTION_FILE = "inception-2015-12-05.pt"
INCEPTION_URL = f"https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/{INCEPTION_FILE}"
INCEPTION_SHA256 = "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4"

_OFFLINE = (
    f"without a network, fetch {VGG16_URL} elsewhere and set GANSTYLE_VGG16 to the file, "
    "or give its path to --vgg (in a recipe: vgg), or use --vgg distilled"
)

_NO_INCEPTION = f"fetch {INCEPTION_URL} elsewhere and set GANSTYLE_INCEPTION to the file"

FeatureNetwork = VGG16Features | DistilledFeatures


@dataclass(frozen=True)
class WeightsFile:
    """A file of network weights, known by its content.

    Attributes:
        name: what it is, for people.
        path: where it lies.
        sha256: of the whole file.
        reason: why this one was chosen.
    """

    name: str
    path: Path
    sha256: str
    reason: str


def vgg16_cache() -> Path:
    """Return where torchvision keeps the file, whether it is there or not."""
    return Path(torch.hub.get_dir()) / "checkpoints" / VGG16_FILE


def inception_cache() -> Path:
    """Return where FID's Inception network is looked for: ``GANSTYLE_INCEPTION`` or torch's cache."""
    named = os.environ.get("GANSTYLE_INCEPTION")
    return Path(named) if named else Path(torch.hub.get_dir()) / "checkpoints" / INCEPTION_FILE


def find_vgg16(spec: str = "auto", *, download: bool = True) -> WeightsFile:
    """Decide which file of VGG-16 weights to use.

    Args:
        spec: ``auto`` (see above), ``distilled`` (the network that ships with ganstyle), ``imagenet``
            (torchvision's file from its cache or a download), or the path of a distilled network or of a
            ``.safetensors`` or ``.pth`` file in torchvision's ``features.N`` layout.
        download: whether the network may be used.

    Raises:
        WeightsError: there is no such file, none is at hand, or its hash is wrong.
    """
    named = os.environ.get("GANSTYLE_VGG16")
    if spec == "auto" and named:
        return _local_file(Path(named), "GANSTYLE_VGG16 names it")
    if spec == "distilled":
        return _local_file(shipped_student(), "it ships with ganstyle")
    if spec not in ("auto", "imagenet"):
        return _local_file(Path(spec), "asked for by its path")
    cached = vgg16_cache()
    if cached.is_file():
        return _imagenet_file(cached, "in torchvision's cache")
    problem = f"GANSTYLE_VGG16 is not set and {cached} does not exist"
    if download:
        try:
            _download("VGG-16", VGG16_URL, cached, _HASH_PREFIX, _OFFLINE)
            return _imagenet_file(cached, "downloaded into torchvision's cache")
        except WeightsError as error:
            if spec == "imagenet":
                raise
            problem = str(error).partition(";")[0]
    if spec == "imagenet" or not shipped_student().is_file():
        raise WeightsError(f"VGG-16: {problem}; {_OFFLINE}")
    warnings.warn(f"{problem}; the distilled VGG-16 that ships with ganstyle is used", stacklevel=2)
    return _local_file(shipped_student(), "no ImageNet weights are at hand")


def find_inception(spec: str = "auto", *, download: bool = True) -> WeightsFile:
    """Find FID's own network; only the one file makes numbers that compare with other people's.

    Args:
        spec: ``auto`` (the file that ``GANSTYLE_INCEPTION`` names; torch's cache; a download into it), or
            the file's path.
        download: whether the network may be used.

    Raises:
        WeightsError: it is not at hand, or its SHA-256 is another.
    """
    if spec != "auto":
        return _inception_file(Path(spec), "asked for by its path")
    path = inception_cache()
    if os.environ.get("GANSTYLE_INCEPTION"):
        return _inception_file(path, "GANSTYLE_INCEPTION names it")
    if path.is_file() or not download:
        return _inception_file(path, "in torch's cache")
    _download("Inception", INCEPTION_URL, path, INCEPTION_SHA256, _NO_INCEPTION)
    return _inception_file(path, "downloaded into torch's cache")


def load_vgg16(
    weights: WeightsFile, layers: Sequence[str], *, dtype: torch.dtype = torch.float32
) -> FeatureNetwork:
    """Build the feature network from a file that ``find_vgg16`` chose.

    Raises:
        WeightsError: the file is damaged, or lacks one of the layers.
    """
    try:
        if is_student(weights.path):
            return DistilledFeatures(layers, student=load_student(weights.path), dtype=dtype)
        return VGG16Features(layers, state=read_state(weights.path), dtype=dtype)
    except WeightsError as error:
        raise WeightsError(f"{weights.path}: {error}") from error


def _local_file(path: Path, reason: str) -> WeightsFile:
    if not path.is_file():
        raise WeightsError(f"{path}: no such file of VGG-16 weights ({reason})")
    digest = sha256(path)
    if digest.startswith(_OTHER_NETWORK):
        raise WeightsError(
            f"{path}: is torchvision's IMAGENET1K_V1, another network with another normalization; {_OFFLINE}"
        )
    if is_student(path):
        name = "VGG-16 distilled"
    elif digest.startswith(_HASH_PREFIX):
        name = "VGG-16 ImageNet (torchvision)"
    else:
        name = f"VGG-16 ({path.stem})"
    return WeightsFile(name, path, digest, reason)


def _imagenet_file(path: Path, reason: str) -> WeightsFile:
    digest = sha256(path)
    if not digest.startswith(_HASH_PREFIX):
        raise WeightsError(
            f"{path}: its SHA-256 starts with {digest[:8]}, not {_HASH_PREFIX}: it is damaged; delete it"
        )
    return WeightsFile("VGG-16 ImageNet (torchvision)", path, digest, reason)


def _inception_file(path: Path, reason: str) -> WeightsFile:
    if not path.is_file():
        raise WeightsError(f"{path}: no such file of Inception's weights ({reason}); {_NO_INCEPTION}")
    digest = sha256(path)
    if digest != INCEPTION_SHA256:
        raise WeightsError(
            f"{path}: its SHA-256 starts with {digest[:8]}, not {INCEPTION_SHA256[:8]}: "
            f"it is damaged or another network; {_NO_INCEPTION}"
        )
    return WeightsFile("Inception v3", path, digest, reason)


def _download(what: str, url: str, path: Path, digest: str, way_out: str) -> None:
    """Fetch a file whose SHA-256 begins with ``digest``."""
    with atomic_write(path) as temporary:
        try:
            # torch.hub's downloader has no timeout: a network that swallows packets would hang it for ever.
            with urllib.request.urlopen(url, timeout=15):
                pass
            torch.hub.download_url_to_file(url, str(temporary), hash_prefix=digest)
        except (OSError, HTTPException, RuntimeError) as error:  # the last: another hash than expected
            reason = " ".join(str(error).split()) or type(error).__name__
            raise WeightsError(f"{what} cannot be downloaded ({reason}); {way_out}") from error


def read_state(path: Path) -> Mapping[str, Tensor]:
    """Read a dictionary of tensors from a ``.safetensors`` or a PyTorch file, executing nothing in it.

    Raises:
        WeightsError: the file is damaged, or holds something else.
    """
    try:
        state = load_file(path) if path.suffix == ".safetensors" else _read_pickle(path)
    except UnpicklingError as error:
        # torch's own message recommends to load the file unsafely.
        raise WeightsError("not a readable file of weights (it is no plain dictionary of tensors)") from error
    except Exception as error:  # on a damaged file torch raises nearly anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise WeightsError(f"not a readable file of weights ({reason[:200]}); fetch it again") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError("does not hold a plain dictionary of tensors")
    return state


def _read_pickle(path: Path) -> object:
    with warnings.catch_warnings(action="ignore"):  # about old formats of files, which are fine
        return torch.load(path, map_location="cpu", weights_only=True)
