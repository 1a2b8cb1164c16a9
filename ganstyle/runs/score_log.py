"""The scores of a run, one line per scored step, and which step is the best."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganstyle.files import atomic_write, null_not_finite
from ganstyle.metrics import HIGHER_IS_BETTER

_BEST_WITHOUT_PAINTING = ("content", "mse", "ssim", "fid_vgg16_content", "kid_vgg16_content")
_TOLERANCE = 1.1

COMPARABLE = "comparable"
"""The key of a line's `comparison_hash`; lines of older versions have none."""

Line = Mapping[str, Any]  # numbers, None for what was not finite, and a hash


class ScoreLog:
    """A run's ``scores.jsonl``: one line per scored step, with null for scores that are not finite.

    Args:
        file: created with the first line.
        select: the score that decides which step is the best.
    """

    def __init__(self, file: Path, *, select: str) -> None:
        self._file = file
        self._select = select

    def is_best(self, line: Line, *, since: int = 0) -> bool:
        """Return whether a line's step is better than all earlier ones of this run.

        Args:
            line: as it will be recorded.
            since: see `best_step`.
        """
        lines = [*self._before(line["step"]), null_not_finite(line)]
        best = best_step(lines, self._select, since=since)
        return best is not None and best == int(line["step"])

    def record(self, line: Line) -> None:
        """Add a line, and drop those of later steps, which an interrupted run left behind."""
        self._replace([*self._before(line["step"]), null_not_finite(line)])

    def cut(self, step: int) -> None:
        """Drop the lines after a step that the run has returned to."""
        kept = self._before(step + 1)
        if kept != self._before(math.inf):
            self._replace(kept)

    def _before(self, step: float) -> list[Line]:
        if not self._file.exists():
            return []
        lines = [null_not_finite(json.loads(text)) for text in self._file.read_text().splitlines()]
        return [old for old in lines if old["step"] < step]

    def _replace(self, lines: Sequence[Line]) -> None:
        with atomic_write(self._file) as temporary:
            temporary.write_text("".join(json.dumps(entry, allow_nan=False) + "\n" for entry in lines))


def comparison_hash(basis: Mapping[str, Any]) -> str:
    """Return a short hash of what scores depend on beside the network: lines with the same one compare.

    Args:
        basis: JSON values.
    """
    return hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()[:12]


def comparable_lines(lines: Sequence[Line]) -> list[Line]:
    """Return the lines that compare with the last one."""
    return [line for line in lines if line.get(COMPARABLE) == lines[-1].get(COMPARABLE)]


def best_step(lines: Sequence[Line], select: str, *, since: int = 0) -> int | None:
    """Return the best step of those that compare with the last one, comparing each when its line was written.

    A generator that leaves photos unchanged has the best possible content, MSE and SSIM. So these, and FID
    and KID against the photos, compare only steps whose style distance is at most 10% above the lowest so
    far. Step 0, before any training, is never the best, nor is a score that is not finite.

    Args:
        lines: in the order of their steps.
        select: the score to compare.
        since: the first step whose output may still be there; no earlier one is the best.
    """
    best: Line | None = None
    lowest = math.inf
    for line in comparable_lines(lines):
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
        if line["step"] < since:
            continue
        if best is None or _better(line[select], best[select], select):
            best = line
    return None if best is None else int(best["step"])


def _better(one: float, other: float, name: str) -> bool:
    return one > other if name in HIGHER_IS_BETTER else one < other
