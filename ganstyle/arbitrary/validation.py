"""Scores of all pairs of validation photos and held-out paintings."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor

from ganstyle.anystyle import encode
from ganstyle.arbitrary.recipe import PairScoreSection
from ganstyle.data.folder import list_validation_photos, report_unreadable
from ganstyle.errors import RunError
from ganstyle.images import read_image, resize_shorter
from ganstyle.losses.features import FeatureExtractor
from ganstyle.metrics import Yardstick
from ganstyle.metrics.evaluator import read_scorable
from ganstyle.models.modulated import ModulatedGenerator
from ganstyle.stylize.reflection import paint_reflected

PAIR_SCORES = ("content", "style", "style_coarse")


class PairScores:
    """Scores a generator on every pair of a photo and a painting; the processes divide the paintings.

    No random number is drawn, so scoring does not change the result of a run.

    Args:
        section: the recipe's ``score``.
        paintings: the held-out paintings' files.
        features: the network to measure with.
        encoding: the network that the encoder sees with.
        accelerator: which of the processes this is.

    Attributes:
        photos: the validation photos' files.
        protocol: how the scores come about, as JSON values.

    Raises:
        DataError: there is no such folder, or no photo in it that can be scored.
        ImageError: a painting cannot be read.
        RunError: there are fewer paintings than processes.
    """

    def __init__(
        self,
        section: PairScoreSection,
        paintings: Sequence[Path],
        features: FeatureExtractor,
        encoding: FeatureExtractor,
        accelerator: Accelerator,
    ) -> None:
        listing = list_validation_photos(section.content, section.count, read_scorable)
        if accelerator.is_main_process:
            report_unreadable(section.content, listing)
        self.photos = listing.images
        if len(paintings) < accelerator.num_processes:
            raise RunError(f"there are {len(paintings)} held-out paintings, fewer than processes")
        self._device, self._size, self._encoding = accelerator.device, section.size, encoding
        self._mine = [
            self._prepare(path, features)
            for path in paintings[accelerator.process_index :: accelerator.num_processes]
        ]
        self.protocol = {
            "photos": len(self.photos),
            "paintings": [path.name for path in paintings],
            "shorter_side": section.size,
            "measure": "yardstick",
        }

    @torch.inference_mode()
    def measure(self, generator: ModulatedGenerator) -> dict[str, float]:
        """Return the mean scores over all pairs, on every process."""
        codes = [encode(generator, self._encoding, painting) for painting, _ in self._mine]
        painters = [partial(generator, style=code) for code in codes]
        yardsticks = [yardstick for _, yardstick in self._mine]
        rows: list[list[float]] = []
        for path in self.photos:
            photo = resize_shorter(read_image(path), self._size).to(self._device)
            rows += [scores for _, scores in paint_and_score(painters, photo, yardsticks)]
        table = torch.tensor(gather_object(rows), dtype=torch.float64)
        means, medians = table.mean(0).tolist(), table.median(0).values.tolist()
        scores = dict(zip(PAIR_SCORES, means, strict=True))
        return scores | {f"median/{name}": value for name, value in zip(PAIR_SCORES, medians, strict=True)}

    def _prepare(self, path: Path, features: FeatureExtractor) -> tuple[Tensor, Yardstick]:
        painting = resize_shorter(read_image(path), self._size).to(self._device)
        return painting, Yardstick.of_paintings(features, [painting], size=self._size)


def paint_and_score(
    painters: Sequence[Callable[[Tensor], Tensor]], photo: Tensor, yardsticks: Sequence[Yardstick]
) -> Iterator[tuple[Tensor, list[float]]]:
    """Paint one photo in the style of every painting, one after the other.

    Args:
        painters: a generator in each painting's style; photos to pictures, (B, 3, H, W) in [0, 1].
        photo: (1, 3, H, W) in [0, 1].
        yardsticks: of the same paintings.

    Yields:
        The picture, as the photo, and its scores in the order of `PAIR_SCORES`; NaN for the coarse style of a
        picture that is too small to have one.
    """
    for paint, yardstick in zip(painters, yardsticks, strict=True):
        picture = paint_reflected(paint, photo).float()
        distances = yardstick.measure(picture, photo)
        coarse = yardstick.style_coarse(picture)
        yield picture, [*map(float, distances), float("nan") if coarse is None else float(coarse)]
