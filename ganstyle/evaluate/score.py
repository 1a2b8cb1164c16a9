"""One style on photos: every score, its protocol, and the time a picture takes."""

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ganstyle.errors import GanstyleError, ImageError
from ganstyle.evaluate.memory import memory_advice
from ganstyle.metrics import Evaluator, ScoreAccumulator
from ganstyle.metrics.protocol import Protocol
from ganstyle.style import Style


@dataclass(frozen=True)
class PhotoScored:
    """A photo's picture was made and measured, the ``index``-th of ``total`` from 1, in ``seconds``."""

    index: int
    total: int
    seconds: float


@dataclass(frozen=True)
class StyleScore:
    """How good a style's pictures are, and what they cost.

    Attributes:
        name: the style's.
        scores: by name; a score that needs more photos than there are is missing.
        protocol: how each was measured.
        seconds_per_image: the generator's alone; the median.
        info: what the style's checkpoint says about its training.
        missing: score → why it was not measured.
    """

    name: str
    scores: Mapping[str, float]
    protocol: Protocol
    seconds_per_image: float
    info: Mapping[str, Any]
    missing: Mapping[str, str] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """Return JSON values; a score is None where there are too few photos for it, or no octaves."""
        return {
            "name": self.name,
            **{name: self.scores.get(name) for name in named_scores(self.protocol)},
            "seconds_per_image": round(self.seconds_per_image, 4),
            "threads": torch.get_num_threads(),
            "vgg": {
                "name": self.protocol["style"]["extractor"],
                "sha256": self.protocol["style"]["sha256"],
            },
            "training": self.info.get("training"),
            "protocol": self.protocol,
            "not_measured": dict(self.missing),
        }


def named_scores(protocol: Protocol) -> list[str]:
    """Return what a record lists: the yardstick's three numbers whether measured or not, then the others."""
    return list(dict.fromkeys(("content", "style", "style_coarse", *protocol)))


def score_style(
    style: Style, evaluator: Evaluator, on_event: Callable[[PhotoScored], None] = lambda e: None
) -> StyleScore:
    """Score a style on the evaluator's photos, one after the other; no picture is kept.

    Args:
        style: the style; its generator is on the evaluator's device.
        evaluator: what measures.
        on_event: called after each photo.

    Raises:
        ImageError: a photo cannot be read.
        GanstyleError: there is not enough memory, or a picture or a score is not finite.
    """
    accumulator, times = ScoreAccumulator(), list[float]()
    with memory_advice(f"{style.name} on {evaluator.photos[0]}"):
        paint_photo(style, evaluator.photo(0))  # pays for choosing kernels
    for number, path in enumerate(evaluator.photos):
        with memory_advice(f"{style.name} on {path}"):
            photo = evaluator.photo(number)
            began = time.perf_counter()
            picture = paint_photo(style, photo)
            times.append(time.perf_counter() - began)
            evaluator.add(accumulator, number, picture.to(photo.device), photo)
        on_event(PhotoScored(number + 1, len(evaluator.photos), times[-1]))
    scores = evaluator.scores([accumulator])
    check_finite(style.name, scores)
    return StyleScore(
        style.name, scores, evaluator.protocol, statistics.median(times), style.info, evaluator.missing
    )


def paint_photo(style: Style, photo: Tensor) -> Tensor:
    """Return a style's picture of a photo; see `Style.paint`.

    Raises:
        ImageError: see `Style.paint`; the message names the style.
    """
    try:
        return style.paint(photo)
    except ImageError as error:
        raise ImageError(f"{style.name}: {error}") from error.__cause__


def check_finite(what: str, scores: Mapping[str, float]) -> None:
    """Refuse scores that no ranking and no JSON could hold.

    Raises:
        GanstyleError: a score is not finite.
    """
    wrong = [f"{name} is {value}" for name, value in scores.items() if not math.isfinite(value)]
    if wrong:
        raise GanstyleError(f"{what}: {', '.join(wrong)}; the style's weights or Gram matrices are damaged")
