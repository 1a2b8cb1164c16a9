"""Scoring a generator on validation photos while it trains.

No random number is drawn and no gradient is touched, so that a run with scores and one without end alike.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import nn

from ganstyle.data import StyleImages
from ganstyle.errors import RunError
from ganstyle.files import atomic_write
from ganstyle.images import find_images
from ganstyle.losses.perceptual import FeatureExtractor
from ganstyle.metrics import HIGHER_IS_BETTER, Judge, Sheet, StyleReference
from ganstyle.metrics.extractors import vgg16_extractor
from ganstyle.recipe import ScoreSection
from ganstyle.weights import WeightsFile


class Scores:
    """Scores a generator on validation photos.

    The photos are shared out among the processes.

    Args:
        section: the recipe's ``score``.
        features: the network to measure with, in float32.
        weights: the network's file.
        style: the paintings.
        accelerator: which of the processes this is.
        statistics: the folder where the features of photos and paintings are kept, if FID is asked for.

    Attributes:
        protocol: how the scores come about, as JSON values.

    Raises:
        ImageError: there is no such folder.
        RunError: there are fewer photos than processes.
    """

    def __init__(
        self,
        section: ScoreSection,
        features: FeatureExtractor,
        weights: WeightsFile,
        style: StyleImages,
        accelerator: Accelerator,
        statistics: Path,
    ) -> None:
        photos = find_images(section.content)[: section.count]
        if len(photos) < accelerator.num_processes:
            raise RunError(f"{section.content}: holds {len(photos)} photos to score, fewer than processes")
        self._mine = range(accelerator.process_index, len(photos), accelerator.num_processes)
        device = accelerator.device
        with accelerator.local_main_process_first():  # one process measures what is real, the others read it
            self._judge = Judge(
                photos,
                size=section.size,
                vgg=weights,
                features=features,
                style=StyleReference.of_paintings(features, style, section.size, device),
                extractor=vgg16_extractor(weights, features, device) if section.fid else None,
                statistics=statistics,
                device=device,
            )
        self.protocol = {
            "photos": len(photos),
            "shorter_side": section.size,
            "measure": "yardstick",
            **self._judge.protocol,
        }

    @torch.inference_mode()
    def measure(self, generator: nn.Module) -> dict[str, float]:
        """Return the scores over all photos, on every process."""
        sheet = Sheet()
        for number in self._mine:
            photo = self._judge.photo(number)
            self._judge.note(sheet, number, generator(photo).float(), photo)
        return self._judge.scores(gather_object([sheet]))


class ScoreLog:
    """A run's ``scores.jsonl``: one line for each step that was scored.

    Args:
        file: where it lies; made with the first line.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def is_best(self, key: str, value: float, *, before: int) -> bool:
        """Say whether ``key`` is better than in every line of this run before a step."""
        earlier = [line[key] for line in self._lines() if line["step"] < before and key in line]
        if key in HIGHER_IS_BETTER:
            return value > max(earlier, default=float("-inf"))
        return value < min(earlier, default=float("inf"))

    def record(self, line: dict[str, float]) -> None:
        """Add a line, and drop those of later steps, which an interrupted run left behind."""
        lines = [old for old in self._lines() if old["step"] < line["step"]]
        with atomic_write(self._file) as temporary:
            temporary.write_text("".join(json.dumps(entry) + "\n" for entry in [*lines, line]))

    def _lines(self) -> Sequence[dict[str, float]]:
        if not self._file.exists():
            return []
        return [json.loads(line) for line in self._file.read_text().splitlines()]
