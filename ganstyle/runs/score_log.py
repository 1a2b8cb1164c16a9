"""The scores of a run, one line per scored step, and which step is the best."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganstyle.files import atomic_write, null_not_finite
from ganstyle.metrics import HIGHER_IS_BETTER

_BEST_WITHOUT_PAINTING = ("content", "mse", "ssim", "fid_vgg16_content", "kid_vgg16_content")
_TOLERANCE = 1.1

Line = Mapping[str, Any]  # numbers, and None for what was not finite


class ScoreLog:
    """A run's ``scores.jsonl``: one line per scored step, with null for scores that are not finite.

    Args:
        file: created with the first line.
        select: the score that decides which step is the best.
    """

    def __init__(self, file: Path, *, select: str) -> None:
        self._file = file
        self._select = select

    def is_best(self, line: Mapping[str, float]) -> bool:
        """Return whether a line's step is better than all earlier ones of this run."""
        return best_step([*self._before(line), null_not_finite(line)], self._select) == line["step"]

    def record(self, line: Mapping[str, float]) -> None:
        """Add a line, and drop those of later steps, which an interrupted run left behind."""
        lines = [*self._before(line), null_not_finite(line)]
        with atomic_write(self._file) as temporary:
            temporary.write_text("".join(json.dumps(entry, allow_nan=False) + "\n" for entry in lines))

    def _before(self, line: Mapping[str, float]) -> list[Line]:
        if not self._file.exists():
            return []
        lines = [null_not_finite(json.loads(text)) for text in self._file.read_text().splitlines()]
        return [old for old in lines if old["step"] < line["step"]]


def best_step(lines: Sequence[Line], select: str) -> int | None:
    """Return the best step, comparing each when its line was written.

    A generator that leaves photos unchanged has the best possible content, MSE and SSIM. So these, and FID
    and KID against the photos, compare only steps whose style distance is at most 10% above the lowest so
    far. Step 0, before any training, is never the best, nor is a score that is not finite.

    Args:
        lines: in the order of their steps.
        select: the score to compare.
    """
    best: Line | None = None
    lowest = math.inf
    for line in lines:
        if not line["step"] or line.get(select) is None:
            continue
        if select in _BEST_WITHOUT_PAINTING:
            style = line.get("style")
            if style is None:
                continue
            lowest = min(lowest, style)
            if style > lowest * _TOLERANCE:
                continue
            if best is not None and best["style"] > lowest * _TOLERANCE:
                best = None
        if best is None or _better(line[select], best[select], select):
            best = line
    return None if best is None else int(best["step"])


def _better(one: float, other: float, name: str) -> bool:
    return one > other if name in HIGHER_IS_BETTER else one < other
