"""The scores of a run, a line for each step that was scored."""

import json
from collections.abc import Sequence
from pathlib import Path

from ganstyle.files import atomic_write
from ganstyle.metrics import HIGHER_IS_BETTER


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
