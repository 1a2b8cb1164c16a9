"""Scoring a generator on validation photos while it trains.

No random number is drawn and no gradient is touched, so that a run with scores and one without end alike.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import nn

from ganstyle.data import StyleImages
from ganstyle.errors import RunError
from ganstyle.files import atomic_write
from ganstyle.images import find_images, read_image, resize_shorter
from ganstyle.losses.perceptual import FeatureExtractor
from ganstyle.metrics import Yardstick
from ganstyle.recipe import ScoreSection


class Scores:
    """Scores a generator on validation photos.

    The photos are shared out among the processes.

    Args:
        section: the recipe's ``score``.
        features: the network to measure with, in float32.
        style: the paintings.
        accelerator: which of the processes this is.

    Raises:
        DataError: the folder holds no photo.
        RunError: there are fewer photos than processes.
    """

    def __init__(
        self,
        section: ScoreSection,
        features: FeatureExtractor,
        style: StyleImages,
        accelerator: Accelerator,
    ) -> None:
        self._accelerator = accelerator
        self._size = section.size
        paths = find_images(section.content)[: section.count]
        self._mine = paths[accelerator.process_index :: accelerator.num_processes]
        self._count = len(paths)
        self.protocol = {"photos": self._count, "shorter_side": section.size, "measure": "yardstick"}
        if not self._mine:
            raise RunError(f"{section.content}: holds {len(paths)} photos to score, fewer than processes")
        device = accelerator.device
        self._yardstick = Yardstick.of_paintings(
            features, [p.to(device) for p in style.images], size=section.size
        )

    @torch.inference_mode()
    def measure(self, generator: nn.Module) -> dict[str, float]:
        """Return the mean ``content`` and ``style`` over all photos, on every process."""
        sums = torch.zeros(2, device=self._accelerator.device)
        for path in self._mine:
            photo = resize_shorter(read_image(path), self._size).to(self._accelerator.device)
            sums += torch.stack(self._yardstick.measure(generator(photo).float(), photo))
        content, style = (self._accelerator.reduce(sums, "sum") / self._count).tolist()
        return {"content": content, "style": style}


class ScoreLog:
    """A run's ``scores.jsonl``: one line for each step that was scored.

    Args:
        file: where it lies; made with the first line.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def lowest(self, key: str, *, before: int) -> float:
        """Return the lowest value that ``key`` has had in this run before a step."""
        return min((line[key] for line in self._lines() if line["step"] < before), default=float("inf"))

    def record(self, line: dict[str, float]) -> None:
        """Add a line, and drop those of later steps, which an interrupted run left behind."""
        lines = [old for old in self._lines() if old["step"] < line["step"]]
        with atomic_write(self._file) as temporary:
            temporary.write_text("".join(json.dumps(entry) + "\n" for entry in [*lines, line]))

    def _lines(self) -> Sequence[dict[str, float]]:
        if not self._file.exists():
            return []
        return [json.loads(line) for line in self._file.read_text().splitlines()]
