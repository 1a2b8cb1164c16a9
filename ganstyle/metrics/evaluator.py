"""Everything that is measured of pictures, with how it was measured: in the loop and afterwards alike."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganstyle.errors import ImageError
from ganstyle.images import read_image, resize_shorter
from ganstyle.losses.perceptual import FeatureExtractor
from ganstyle.metrics.distribution import Crops, distances
from ganstyle.metrics.extractors import Extractor
from ganstyle.metrics.frechet import Features
from ganstyle.metrics.lpips import LPIPS, artfid
from ganstyle.metrics.pixels import squared_error, structural_similarity
from ganstyle.metrics.protocol import distribution_protocol, similarity_protocol
from ganstyle.metrics.reference import StyleReference
from ganstyle.metrics.similarity import Yardstick
from ganstyle.metrics.statistics import fingerprint, kept_features
from ganstyle.weights import WeightsFile

HIGHER_IS_BETTER = ("ssim",)
"""Of all scores; of the others the lower is."""

_PHOTOS, _PAINTING = "photos.npz", "painting.npz"
_NARROWEST = 32


@dataclass
class ScoreAccumulator:
    """What was noted of some pictures: sums, and a few vectors each; the pictures themselves are not kept."""

    sums: dict[str, float] = field(default_factory=dict)
    count: int = 0
    whole: list[Features] = field(default_factory=list)
    parts: list[Features] = field(default_factory=list)


class Evaluator:
    """Scores pictures that were made of fixed photos.

    Args:
        photos: the photos' files.
        size: their shorter side, in pixels.
        vgg: the file of the network below.
        features: the network of the yardstick, in float32; it gives the yardstick's layers.
        style: what the style is compared with, by the same network.
        extractor: whose features FID and KID compare; None: neither is measured.
        lpips: also measure LPIPS, and with FID's own network ArtFID.
        lpips_sha256: of its file.
        statistics: a folder where the features of photos and painting are kept; None keeps none.
        seed: of the crops' places.
        device: where the networks are.

    Attributes:
        protocol: score → how it comes about, as JSON values.
    """

    def __init__(
        self,
        photos: Sequence[Path],
        *,
        size: int,
        vgg: WeightsFile,
        features: FeatureExtractor,
        style: StyleReference,
        extractor: Extractor | None,
        lpips: LPIPS | None = None,
        lpips_sha256: str = "",
        statistics: Path | None = None,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        self.photos = list(photos)
        self.size = size
        self._device = device
        self._yardstick = Yardstick(features, style.target)
        self._extractor = extractor
        self._lpips = lpips
        self._crops = Crops.plan(len(photos), size, seed)
        self._real = self._measure_real(style, statistics) if extractor else {}
        n = len(self.photos)
        self.protocol = similarity_protocol(n, size, vgg, style.source, lpips_sha256)
        if extractor:
            self.protocol |= distribution_protocol(n, size, extractor, self._crops, style.source, self._real)
        if lpips and "fid_style" in self.protocol:
            self.protocol["artfid"] = self.protocol["fid_style"] | {"lpips": self.protocol["lpips"]}

    def photo(self, number: int) -> Tensor:
        """Read a photo, (1, 3, H, W) in [0, 1], its shorter side as long as asked for.

        Raises:
            ImageError: it cannot be read, or is so narrow that what it becomes would fill the memory.
        """
        path = self.photos[number]
        photo = read_image(path)
        height, width = photo.shape[-2:]
        if max(height, width) > _NARROWEST * min(height, width):
            raise ImageError(f"{path}: {width}x{height} pixels are too narrow to be scored; leave it out")
        return resize_shorter(photo, self.size).to(self._device)

    @torch.inference_mode()
    def note(self, sheet: ScoreAccumulator, number: int, picture: Tensor, photo: Tensor) -> None:
        """Put on a sheet what is to be said of the picture (1, 3, H, W) in [0, 1] of a photo.

        Args:
            sheet: one for each method that makes pictures, and each process.
            number: the photo's; it decides where the crops lie.
            picture: of the photo's shape.
            photo: as `photo` returned it.
        """
        content, style = self._yardstick.measure(picture, photo)
        values = {
            "content": content,
            "style": style,
            "mse": squared_error(picture, photo),
            "ssim": structural_similarity(picture, photo),
        }
        if self._lpips:
            values["lpips"] = self._lpips(picture, photo)
        for name, value in values.items():
            sheet.sums[name] = sheet.sums.get(name, 0.0) + value.item()
        sheet.count += 1
        if self._extractor:
            vectors = self._extractor.features([picture, *self._crops.of_picture(picture, number)])
            sheet.whole.append(vectors[:1])
            sheet.parts.append(vectors[1:])

    def scores(self, sheets: Sequence[ScoreAccumulator]) -> dict[str, float]:
        """Return every score over all pictures of a method, however they are spread over sheets."""
        count = sum(sheet.count for sheet in sheets)
        names = dict.fromkeys(name for sheet in sheets for name in sheet.sums)
        scores = {name: sum(sheet.sums.get(name, 0.0) for sheet in sheets) / count for name in names}
        if self._extractor:
            generated = {
                "style": np.concatenate([vectors for sheet in sheets for vectors in sheet.parts]),
                "content": np.concatenate([vectors for sheet in sheets for vectors in sheet.whole]),
            }
            scores |= distances(generated, self._real, self._extractor.suffix)
        if "lpips" in scores and "fid_style" in scores:
            scores["artfid"] = artfid(scores["lpips"], scores["fid_style"])
        return scores

    def _measure_real(self, style: StyleReference, folder: Path | None) -> dict[str, Features]:
        extractor, crops, paintings = self._extractor, self._crops, style.paintings
        if extractor is None:
            return {}
        count = len(self.photos) * crops.per_picture
        network = {"extractor": extractor.name, "sha256": extractor.sha256, "side": extractor.side}
        real: dict[str, Features] = {}
        path = folder and folder / _PAINTING
        if paintings or (path and path.exists()):
            protocol = {**network, "size": self.size, "crop": crops.side, "n": count, "seed": crops.seed}
            real["style"] = kept_features(
                path,
                {**protocol, "source": fingerprint(paintings.paths) if paintings else None},
                (lambda: extractor.features(crops.of_paintings(paintings, count, self.size)))
                if paintings
                else None,
            )
        real["content"] = kept_features(
            folder and folder / _PHOTOS,
            {**network, "size": self.size, "source": fingerprint(self.photos)},
            lambda: extractor.features(self.photo(number) for number in range(len(self.photos))),
        )
        return real
