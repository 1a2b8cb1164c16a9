"""How each score is measured, as JSON values: a number means nothing without them."""

from collections.abc import Iterable, Mapping
from typing import Any

from ganstyle.metrics.distributions.crops import Crops
from ganstyle.metrics.distributions.extractors import RESIZE, Extractor
from ganstyle.metrics.distributions.kid import SUBSET_SIZE, SUBSETS
from ganstyle.metrics.models import EvaluationModels
from ganstyle.metrics.similarity.pixels import SSIM_WINDOW
from ganstyle.metrics.similarity.yardstick import (
    COARSE_OCTAVES,
    SMALLEST_OCTAVE,
    YARDSTICK_LAYERS,
    coarse_octaves,
)

FEW_IMAGES = 2048
"""With fewer, the covariance of Inception's features is singular, and FID depends on the number."""

Protocol = dict[str, dict[str, Any]]
"""Score → what it is measured on, against and with."""

_RESIZE = "bicubic with antialiasing, aspect ratio kept"
_PHOTOS = "the photos"


def similarity_protocol(
    models: EvaluationModels, n: int, size: int, style_source: str, octaves: int
) -> Protocol:
    """Describe the scores that are means over pictures.

    Args:
        models: what they are measured with.
        n: number of pictures.
        size: their shorter side, in pixels.
        style_source: what the style is compared with.
        octaves: halvings at which the coarse style is measured; 0: it is not.
    """
    common = {"n": n, "size": size, "resize": _RESIZE, "seed": None}
    yardstick = {**common, "extractor": models.vgg.name, "sha256": models.vgg.sha256}
    style = {**yardstick, "layers": list(YARDSTICK_LAYERS), "against": style_source}
    protocol: Protocol = {
        "content": {**yardstick, "layers": ["relu3_3"], "against": _PHOTOS},
        "style": style,
        **({"style_coarse": style | _octaves(octaves, size)} if octaves else {}),
        "mse": {**common, "against": _PHOTOS},
        "ssim": {**common, "window": SSIM_WINDOW, "against": _PHOTOS},
    }
    if models.judge:
        protocol["kept"] = {
            **common,
            "extractor": f"{models.judge.name}, last block",
            "sha256": models.judge.sha256,
            "measure": "mean cosine similarity over positions of the whole picture",
            "against": _PHOTOS,
        }
    if models.lpips:
        protocol["lpips"] = {
            **common,
            "extractor": "LPIPS 0.1, VGG-16",
            "sha256": models.lpips_sha256,
            "against": _PHOTOS,
        }
    return protocol


def _octaves(count: int, size: int) -> dict[str, Any]:
    names = [f"1/{2**octave}" for octave in range(1, COARSE_OCTAVES + 1)]
    measure = f"mean over {', '.join(names[:count])} of the size, by 2x2 averages"
    if count < COARSE_OCTAVES:
        too_small = coarse_octaves(size) == count
        reason = f"under {SMALLEST_OCTAVE} px" if too_small else "not in the checkpoint"
        measure += f"; left out: {', '.join(names[count:])} ({reason})"
    return {"octaves": names[:count], "measure": measure}


def distribution_protocol(
    n: int, size: int, extractor: Extractor, crops: Crops, style_source: str, directions: Iterable[str]
) -> Protocol:
    """Describe FID and KID in the directions that are measured.

    Args:
        n: number of pictures.
        size: their shorter side, in pixels.
        extractor: whose features are compared.
        crops: how pictures and painting are cut.
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
        if extractor.fid:
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


def describe_protocol(protocol: Mapping[str, Any]) -> str:
    """Return a score's protocol in one line; a SHA-256 is shortened."""
    parts = [f"n = {protocol['n']}", f"{protocol['size']} px", f"against {protocol['against']}"]
    if "extractor" in protocol:
        parts.append(f"{protocol['extractor']} (SHA-256 {str(protocol['sha256'])[:16]}…)")
    parts.append(f"resize: {protocol['resize']}")
    if protocol.get("seed") is not None:
        parts.append(f"seed {protocol['seed']}")
    if "measure" in protocol:
        parts.append(str(protocol["measure"]))
    if "warning" in protocol:
        parts.append(str(protocol["warning"]))
    return "; ".join(parts)
