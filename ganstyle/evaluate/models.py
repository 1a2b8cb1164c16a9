"""The networks that measure, loaded once for however many styles."""

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ganstyle.errors import GanstyleError, WeightsError
from ganstyle.evaluate.reference import find_reference
from ganstyle.metrics import YARDSTICK_LAYERS, Evaluator, StyleReference
from ganstyle.metrics.extractors import Extractor, inception_extractor, vgg16_extractor
from ganstyle.metrics.lpips import LPIPS, find_lpips, load_lpips
from ganstyle.style import Style
from ganstyle.weights import (
    FeatureNetwork,
    WeightsFile,
    find_inception,
    find_vgg16,
    inception_cache,
    load_vgg16,
)

SMALLEST = 16
"""Pixels of the shorter side below which nothing is measured: SSIM and LPIPS need so many."""


@dataclass(frozen=True)
class EvaluationModels:
    """What scores are measured with.

    Attributes:
        vgg: the file of the network below.
        features: the yardstick's network, in float32.
        extractor: whose features FID and KID compare.
        lpips: None if there are no weights for it.
        lpips_sha256: of its file; empty without.
        device: where they are.
    """

    vgg: WeightsFile
    features: FeatureNetwork
    extractor: Extractor
    lpips: LPIPS | None
    lpips_sha256: str
    device: torch.device

    def evaluator(
        self,
        photos: Sequence[Path],
        style: Style,
        *,
        size: int,
        painting: str | Path | None = None,
        statistics: Path | None = None,
    ) -> tuple[Evaluator, StyleReference]:
        """Prepare to score pictures of photos in a style.

        Args:
            photos: their files.
            style: gives what the pictures' style is compared with; see `find_reference`.
            size: the photos' shorter side, in pixels.
            painting: the painting's file, or a folder of them.
            statistics: a folder where the features of photos and painting are kept.

        Raises:
            GanstyleError: the size is too small, or see `find_reference`.
        """
        if size < SMALLEST:
            raise GanstyleError(f"size {size}: give at least {SMALLEST} pixels")
        reference = find_reference(
            style, self.vgg, self.features, size=size, painting=painting, device=self.device
        )
        evaluator = Evaluator(
            photos,
            size=size,
            vgg=self.vgg,
            features=self.features,
            style=reference,
            extractor=self.extractor,
            lpips=self.lpips,
            lpips_sha256=self.lpips_sha256,
            statistics=statistics,
            device=self.device,
        )
        return evaluator, reference


def load_evaluation_models(
    vgg: str = "auto", inception: str = "auto", device: torch.device | str = "cpu"
) -> EvaluationModels:
    """Find and load the networks that measure.

    Args:
        vgg: see `find_vgg16`.
        inception: see `find_inception`; ``auto`` takes VGG-16 in its place where there is none and it cannot
            be downloaded, with a warning; ``off`` always does.
        device: where they go.

    Raises:
        WeightsError: a network is asked for and not there, or is damaged.
    """
    weights = find_vgg16(vgg)
    features = load_vgg16(weights, YARDSTICK_LAYERS).to(device)
    extractor = vgg16_extractor(weights, features, device)
    if inception != "off":
        try:
            extractor = inception_extractor(find_inception(inception), device)
        except WeightsError as error:
            if inception != "auto" or "GANSTYLE_INCEPTION" in os.environ or inception_cache().exists():
                raise
            reason = str(error).partition(";")[0]
            warnings.warn(f"{reason}: no FID; fid_vgg16 and kid_vgg16 take its place", stacklevel=2)
    lpips = find_lpips()
    return EvaluationModels(
        weights,
        features,
        extractor,
        load_lpips(lpips, device) if lpips else None,
        lpips.sha256 if lpips else "",
        torch.device(device),
    )
