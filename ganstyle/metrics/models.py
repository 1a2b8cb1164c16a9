"""The networks that scores are measured with."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from ganstyle.losses.features import FeatureExtractor
from ganstyle.metrics.distributions.extractors import Extractor
from ganstyle.metrics.efficientnet import EfficientNetJudge
from ganstyle.metrics.similarity.lpips import LPIPS
from ganstyle.weights import WeightsFile


@dataclass(frozen=True)
class EvaluationModels:
    """What scores are measured with; only the first two are always there.

    Attributes:
        vgg: the file of the network below.
        features: the yardstick's network, in float32; it gives the yardstick's layers.
        extractor: whose features FID and KID compare.
        lpips: measures LPIPS, and with FID's own network ArtFID.
        lpips_sha256: of its file.
        judge: a network that no loss knows.
        missing: score → why it cannot be measured, for those whose network is missing.
        device: where the networks are.
    """

    vgg: WeightsFile
    features: FeatureExtractor
    extractor: Extractor | None = None
    lpips: LPIPS | None = None
    lpips_sha256: str = ""
    judge: EfficientNetJudge | None = None
    missing: tuple[tuple[str, str], ...] = ()
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def extractors(self) -> Sequence[Extractor]:
        """Every network whose features are compared, FID's or its stand-in first."""
        judge = [self.judge.extractor] if self.judge else []
        return [self.extractor, *judge] if self.extractor else judge
