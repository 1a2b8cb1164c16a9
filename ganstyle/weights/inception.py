"""Which Inception to use: FID and KID need it, and only the one file gives numbers that compare.

``auto`` looks, in this order: the file that ``GANSTYLE_INCEPTION`` names; torch's cache; a download into it.
"""

from pathlib import Path

from ganstyle.errors import WeightsError
from ganstyle.files import expand_user
from ganstyle.weights.download import download_file
from ganstyle.weights.files import (
    WeightsFile,
    hash_weights,
    is_file,
    path_in_environment,
    torch_cache,
)

# The network of the FID as most people compute it (Heusel et al. 2017), as TorchScript: 95,607,719 bytes.
INCEPTION_FILE = "inception-2015-12-05.pt"
INCEPTION_URL = f"https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/{INCEPTION_FILE}"
INCEPTION_SHA256 = "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4"

_OFFLINE = f"fetch {INCEPTION_URL} elsewhere and set GANSTYLE_INCEPTION to the file"


def inception_cache() -> Path:
    """Return where the file is looked for: what ``GANSTYLE_INCEPTION`` names, or torch's cache."""
    return path_in_environment("GANSTYLE_INCEPTION") or torch_cache(INCEPTION_FILE)


def find_inception(spec: str = "auto", *, download: bool = True) -> WeightsFile:
    """Find FID's own network.

    Args:
        spec: ``auto`` (see above), or the file's path.
        download: whether the network may be used.

    Raises:
        WeightsError: it was not found, or its SHA-256 is wrong.
    """
    if spec != "auto":
        return _checked(expand_user(spec), "asked for by its path")
    path = inception_cache()
    if path_in_environment("GANSTYLE_INCEPTION"):
        return _checked(path, "GANSTYLE_INCEPTION names it")
    if is_file(path) or not download:
        return _checked(path, "in torch's cache")
    download_file("Inception", INCEPTION_URL, path, INCEPTION_SHA256, otherwise=_OFFLINE)
    return _checked(path, "downloaded into torch's cache")


def _checked(path: Path, reason: str) -> WeightsFile:
    try:
        digest = hash_weights(path, "Inception", reason)
    except WeightsError as error:
        raise WeightsError(f"{error}; {_OFFLINE}") from error
    if digest != INCEPTION_SHA256:
        raise WeightsError(
            f"{path}: its SHA-256 starts with {digest[:8]}, not {INCEPTION_SHA256[:8]}: "
            f"it is damaged or another network; {_OFFLINE}"
        )
    return WeightsFile("Inception v3", path, digest, reason)
