"""One style on photos: every score, its protocol, and the time a picture takes."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ganstyle.metrics import Evaluator, ScoreAccumulator
from ganstyle.metrics.protocol import Protocol
from ganstyle.style import Style


@dataclass(frozen=True)
class Measured:
    """A photo's picture was made and measured: the ``index``-th of ``total``, from 1, in so many seconds."""

    index: int
    total: int
    seconds: float


@dataclass(frozen=True)
class StyleScore:
    """What a style's pictures are worth, and what they cost.

    Attributes:
        name: the style's.
        scores: by name; a score that needs more photos than there are is missing.
        protocol: how each came about.
        seconds_per_image: the generator's alone; the median.
        info: what the style's checkpoint tells of its making.
    """

    name: str
    scores: Mapping[str, float]
    protocol: Protocol
    seconds_per_image: float
    info: Mapping[str, Any]

    def record(self) -> dict[str, Any]:
        """Return JSON values: every score of the protocol, None where it could not be measured."""
        return {
            "name": self.name,
            **{name: self.scores.get(name) for name in self.protocol},
            "seconds_per_image": round(self.seconds_per_image, 4),
            "threads": torch.get_num_threads(),
            "vgg": {
                "name": self.protocol["style"]["extractor"],
                "sha256": self.protocol["style"]["sha256"],
            },
            "training": self.info.get("training"),
            "protocol": self.protocol,
        }


def score_style(
    style: Style, evaluator: Evaluator, on_event: Callable[[Measured], None] = lambda e: None
) -> StyleScore:
    """Score a style on the evaluator's photos, one after the other; no picture is kept.

    Args:
        style: the style; its generator is on the evaluator's device.
        evaluator: what measures.
        on_event: called after each photo.

    Raises:
        ImageError: a photo cannot be read, or is too large for the memory.
    """
    sheet, times = ScoreAccumulator(), list[float]()
    style.paint(evaluator.photo(0))  # pays for choosing kernels
    for number in range(len(evaluator.photos)):
        photo = evaluator.photo(number)
        began = time.perf_counter()
        picture = style.paint(photo)
        times.append(time.perf_counter() - began)
        evaluator.note(sheet, number, picture.to(photo.device), photo)
        on_event(Measured(number + 1, len(evaluator.photos), times[-1]))
    return StyleScore(
        style.name, evaluator.scores([sheet]), evaluator.protocol, statistics.median(times), style.info
    )
