"""How each score comes about, as JSON values: what a number is worth without them, nobody knows."""

from collections.abc import Iterable, Mapping
from typing import Any

from ganstyle.metrics.distribution import Crops
from ganstyle.metrics.extractors import RESIZE, Extractor
from ganstyle.metrics.kid import SUBSET_SIZE, SUBSETS
from ganstyle.metrics.pixels import SSIM_WINDOW
from ganstyle.metrics.similarity import YARDSTICK_LAYERS
from ganstyle.weights import WeightsFile

FEW_IMAGES = 2048
"""Under so many, the covariance of Inception's features is singular, and FID depends on the number."""

Protocol = dict[str, dict[str, Any]]
"""Score → what it is measured on, against and with."""

_RESIZE = "bicubic with antialiasing, aspect ratio kept"
_PHOTOS = "the photos"


def similarity_protocol(
    n: int, size: int, vgg: WeightsFile, style_source: str, lpips_sha256: str
) -> Protocol:
    """Describe the scores that are means over pictures.

    Args:
        n: pictures.
        size: their shorter side, in pixels.
        vgg: the yardstick's network.
        style_source: what the style is compared with.
        lpips_sha256: of LPIPS' file; empty if it is not measured.
    """
    common = {"n": n, "size": size, "resize": _RESIZE, "seed": None}
    yardstick = {**common, "extractor": vgg.name, "sha256": vgg.sha256}
    protocol: Protocol = {
        "content": {**yardstick, "layers": ["relu3_3"], "against": _PHOTOS},
        "style": {**yardstick, "layers": list(YARDSTICK_LAYERS), "against": style_source},
        "mse": {**common, "against": _PHOTOS},
        "ssim": {**common, "window": SSIM_WINDOW, "against": _PHOTOS},
    }
    if lpips_sha256:
        protocol["lpips"] = {
            **common,
            "extractor": "LPIPS 0.1, VGG-16",
            "sha256": lpips_sha256,
            "against": _PHOTOS,
        }
    return protocol


def distribution_protocol(
    n: int, size: int, extractor: Extractor, crops: Crops, style_source: str, directions: Iterable[str]
) -> Protocol:
    """Describe FID and KID in the directions that are measured.

    Args:
        n: pictures.
        size: their shorter side, in pixels.
        extractor: whose features are compared.
        crops: what stands for the style.
        style_source: what the crops are compared with.
        directions: of ``style`` and ``content``.
    """
    network = {
        "extractor": extractor.name,
        "sha256": extractor.sha256,
        "resize": f"{RESIZE}, to {extractor.side} px",
        "seed": crops.seed,
    }
    what = {
        "style": {
            "n": n * crops.per_picture,
            "size": crops.side,
            "against": f"as many crops of {style_source}",
        },
        "content": {"n": n, "size": size, "against": _PHOTOS},
    }
    protocol: Protocol = {}
    for direction in directions:
        how: dict[str, Any] = {**what[direction], **network}
        protocol[f"fid{extractor.suffix}_{direction}"] = how | few_images(how["n"])
        subset = {"subsets": SUBSETS, "subset_size": min(SUBSET_SIZE, how["n"])}
        protocol[f"kid{extractor.suffix}_{direction}"] = how | subset
    return protocol


def few_images(n: int) -> dict[str, str]:
    """Return a warning for the protocol of an FID over n images, if they are too few."""
    if n < 2:
        return {"warning": "needs at least 2 images"}
    if n < FEW_IMAGES:
        return {"warning": f"FID of {n} images, under {FEW_IMAGES:,}, is biased: compare at the same n only"}
    return {}


def describe(protocol: Mapping[str, Any]) -> str:
    """Return a score's protocol in one line; a SHA-256 is shortened."""
    parts = [f"n = {protocol['n']}", f"{protocol['size']} px", f"against {protocol['against']}"]
    if "extractor" in protocol:
        parts.append(f"{protocol['extractor']} (SHA-256 {str(protocol['sha256'])[:16]}…)")
    parts.append(f"resize: {protocol['resize']}")
    if protocol.get("seed") is not None:
        parts.append(f"seed {protocol['seed']}")
    if "warning" in protocol:
        parts.append(str(protocol["warning"]))
    return "; ".join(parts)
