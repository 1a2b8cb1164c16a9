"""The networks that measure, loaded once for any number of styles."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import torch

from ganstyle.errors import GanstyleError, MissingExtraError, WeightsError
from ganstyle.evaluate.reference import find_reference
from ganstyle.metrics import YARDSTICK_LAYERS, EvaluationModels, Evaluator, StyleReference
from ganstyle.metrics.distributions.extractors import Extractor, inception_extractor, vgg16_extractor
from ganstyle.metrics.efficientnet import JUDGE_SCORES, EfficientNetJudge, load_judge
from ganstyle.metrics.similarity.lpips import find_lpips, load_lpips
from ganstyle.style import Style
from ganstyle.weights import (
    FeatureNetwork,
    WeightsFile,
    find_inception,
    find_vgg16,
    inception_cache,
    load_vgg16,
    path_in_environment,
)
from ganstyle.weights.files import is_file

SMALLEST = 16
"""Pixels of the shorter side below which nothing is measured: SSIM and LPIPS need that many."""


def load_evaluation_models(
    vgg: str = "auto", inception: str = "auto", device: torch.device | str = "cpu"
) -> EvaluationModels:
    """Find and load the networks that measure.

    Args:
        vgg: see `find_vgg16`.
        inception: see `find_inception`; ``auto`` uses VGG-16 in its place where there is none and it cannot
            be downloaded, with a warning; ``off`` always does.
        device: where they go.

    Raises:
        WeightsError: a requested network is missing or damaged.
    """
    weights = find_vgg16(vgg)
    features = load_vgg16(weights, YARDSTICK_LAYERS).to(device)
    lpips = find_lpips()
    judge, missing = _find_judge(device)
    return EvaluationModels(
        vgg=weights,
        features=features,
        extractor=_find_extractor(inception, weights, features, device),
        lpips=load_lpips(lpips, device) if lpips else None,
        lpips_sha256=lpips.sha256 if lpips else "",
        judge=judge,
        missing=tuple(missing.items()),
        device=torch.device(device),
    )


def style_evaluator(
    models: EvaluationModels,
    photos: Sequence[Path],
    style: Style,
    *,
    size: int,
    painting: str | Path | None = None,
    statistics: Path | None = None,
) -> tuple[Evaluator, StyleReference]:
    """Prepare to score pictures of photos in a style.

    Args:
        models: what scores are measured with.
        photos: their files.
        style: determines what the pictures' style is compared with; see `find_reference`.
        size: the photos' shorter side, in pixels.
        painting: the painting's file, or a folder of them.
        statistics: a folder where the features of photos and painting are stored.

    Raises:
        GanstyleError: the size is too small, or see `find_reference`.
    """
    if size < SMALLEST:
        raise GanstyleError(f"size {size}: give at least {SMALLEST} pixels")
    reference = find_reference(
        style, models.vgg, models.features, size=size, painting=painting, device=models.device
    )
    return Evaluator(photos, models, reference, size=size, statistics=statistics), reference


def _find_extractor(
    spec: str, vgg: WeightsFile, features: FeatureNetwork, device: torch.device | str
) -> Extractor:
    if spec != "off":
        try:
            return inception_extractor(find_inception(spec), device)
        except WeightsError as error:
            if spec != "auto" or path_in_environment("GANSTYLE_INCEPTION") or is_file(inception_cache()):
                raise
            reason = str(error).partition(";")[0]
            warnings.warn(f"{reason}: no FID; fid_vgg16 and kid_vgg16 replace it", stacklevel=3)
    return vgg16_extractor(vgg, features, device)


def _find_judge(device: torch.device | str) -> tuple[EfficientNetJudge | None, dict[str, str]]:
    try:
        return load_judge(device), {}
    except (MissingExtraError, WeightsError) as error:
        return None, dict.fromkeys(JUDGE_SCORES, str(error))
