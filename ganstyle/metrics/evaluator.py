"""Everything that is measured on pictures, and how: both during and after training."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganstyle.errors import ImageError
from ganstyle.images import read_image, resize_shorter
from ganstyle.metrics.distributions.crops import Crops
from ganstyle.metrics.distributions.distances import distribution_distances
from ganstyle.metrics.distributions.frechet import Features
from ganstyle.metrics.distributions.targets import painting_features, photo_features
from ganstyle.metrics.models import EvaluationModels
from ganstyle.metrics.protocol import distribution_protocol, similarity_protocol
from ganstyle.metrics.reference import StyleReference
from ganstyle.metrics.similarity.lpips import artfid
from ganstyle.metrics.similarity.pixels import squared_error, structural_similarity
from ganstyle.metrics.similarity.yardstick import Yardstick, coarse_octaves

HIGHER_IS_BETTER = ("kept", "ssim")
"""Of these scores, higher is better; of all others, lower."""

_NARROWEST = 32  # longer side over the shorter one
_NO_OCTAVES = "the painting is not available, and the checkpoint has no Gram matrices of its octaves"


@dataclass
class ScoreAccumulator:
    """Sums and feature vectors of the pictures scored so far; the pictures themselves are not kept.

    Attributes:
        sums: of each score that is a mean over pictures.
        count: pictures.
        whole: extractor's suffix → of each picture, the feature vector of the whole.
        parts: extractor's suffix → of each picture, the feature vectors of its crops.
    """

    sums: dict[str, float] = field(default_factory=dict)
    count: int = 0
    whole: dict[str, list[Features]] = field(default_factory=dict)
    parts: dict[str, list[Features]] = field(default_factory=dict)


class Evaluator:
    """Scores pictures that were made of fixed photos.

    Args:
        photos: the photos' files.
        models: what scores are measured with.
        style: what the style is compared with, by the models' VGG.
        size: the photos' shorter side, in pixels.
        statistics: a folder where the features of photos and painting are stored; None stores none.
        seed: of the crops' positions.

    Attributes:
        protocol: score → how it is measured, as JSON values.
        missing: score → why it is not measured.
    """

    def __init__(
        self,
        photos: Sequence[Path],
        models: EvaluationModels,
        style: StyleReference,
        *,
        size: int,
        statistics: Path | None = None,
        seed: int = 0,
    ) -> None:
        self.photos = list(photos)
        self.size = size
        self._models = models
        self._yardstick = Yardstick(models.features, style.target)
        self._crops = Crops.plan(len(photos), size, seed)
        self._targets = self._measure_targets(style, statistics)
        n = len(self.photos)
        octaves = min(coarse_octaves(size), len(style.target.octaves) - 1)
        self.protocol = similarity_protocol(models, n, size, style.source, octaves)
        self.missing = dict(models.missing)
        if not octaves:
            self.missing["style_coarse"] = _NO_OCTAVES
        for extractor in models.extractors:
            self.protocol |= distribution_protocol(
                n, size, extractor, self._crops, style.source, self._targets[extractor.suffix]
            )
        if models.lpips and "fid_style" in self.protocol:
            self.protocol["artfid"] = self.protocol["fid_style"] | {"lpips": self.protocol["lpips"]}

    def photo(self, number: int) -> Tensor:
        """Read a photo, (1, 3, H, W) in [0, 1], resized to the evaluator's size.

        Raises:
            ImageError: it cannot be read, or is so narrow that resized it would fill the memory.
        """
        return resize_shorter(read_scorable(self.photos[number]), self.size).to(self._models.device)

    @torch.inference_mode()
    def add(self, accumulator: ScoreAccumulator, number: int, picture: Tensor, photo: Tensor) -> None:
        """Measure the picture (1, 3, H, W) in [0, 1] that was made of a photo.

        Args:
            accumulator: what to add it to; one for each method that makes pictures, and each process.
            number: the photo's; it decides where the crops are.
            picture: of the photo's shape.
            photo: as `photo` returned it.
        """
        if not torch.isfinite(picture).all():
            accumulator.sums["content"] = math.nan
            accumulator.count += 1
            return
        content, style = self._yardstick.measure(picture, photo)
        coarse = self._yardstick.style_coarse(picture)
        values = {
            "content": content,
            "style": style,
            **({} if coarse is None else {"style_coarse": coarse}),
            "mse": squared_error(picture, photo),
            "ssim": structural_similarity(picture, photo),
        }
        if self._models.judge:
            values["kept"] = self._models.judge.kept(picture, photo)
        if self._models.lpips:
            values["lpips"] = self._models.lpips(picture, photo)
        for name, value in values.items():
            accumulator.sums[name] = accumulator.sums.get(name, 0.0) + value.item()
        accumulator.count += 1
        crops = self._crops.of_picture(picture, number) if self._models.extractors else []
        for extractor in self._models.extractors:
            vectors = extractor.features([picture, *crops])
            accumulator.whole.setdefault(extractor.suffix, []).append(vectors[:1])
            accumulator.parts.setdefault(extractor.suffix, []).append(vectors[1:])

    def scores(self, accumulators: Sequence[ScoreAccumulator]) -> dict[str, float]:
        """Return every score over all pictures of a method, however many accumulators share them.

        All are NaN if a picture, or a distance, is not finite.
        """
        count = sum(each.count for each in accumulators)
        names = dict.fromkeys(name for each in accumulators for name in each.sums)
        scores = {name: sum(each.sums.get(name, 0.0) for each in accumulators) / count for name in names}
        if not all(map(math.isfinite, scores.values())):
            return dict.fromkeys(self.protocol, math.nan)
        for extractor in self._models.extractors:
            suffix = extractor.suffix
            generated = {
                "style": np.concatenate([each for a in accumulators for each in a.parts.get(suffix, [])]),
                "content": np.concatenate([each for a in accumulators for each in a.whole.get(suffix, [])]),
            }
            scores |= distribution_distances(generated, self._targets[suffix], suffix, fid=extractor.fid)
        if "lpips" in scores and "fid_style" in scores:
            scores["artfid"] = artfid(scores["lpips"], scores["fid_style"])
        return scores

    def _measure_targets(self, style: StyleReference, folder: Path | None) -> dict[str, dict[str, Features]]:
        """Return the features to compare with: extractor's suffix → direction → (n, d)."""
        targets: dict[str, dict[str, Features]] = {}
        count = len(self.photos) * self._crops.per_picture
        for place, extractor in enumerate(self._models.extractors):
            more = extractor.suffix if place else ""
            file = folder and folder / f"painting{more}.npz"
            painting = painting_features(
                extractor, self._crops, style, count=count, size=self.size, file=file
            )
            file = folder and folder / f"photos{more}.npz"
            photos = photo_features(extractor, self.photos, self.photo, size=self.size, file=file)
            targets[extractor.suffix] = {"style": painting} if painting is not None else {}
            targets[extractor.suffix]["content"] = photos
        return targets


def read_scorable(path: Path) -> Tensor:
    """Read a photo that is to be scored, (1, 3, H, W) in [0, 1].

    Raises:
        ImageError: it cannot be read, or is so narrow that resized by its shorter side it would fill the
            memory.
    """
    photo = read_image(path)
    height, width = photo.shape[-2:]
    if max(height, width) > _NARROWEST * min(height, width):
        raise ImageError(f"{path}: {width}x{height} pixels are too narrow to be scored; leave it out")
    return photo
