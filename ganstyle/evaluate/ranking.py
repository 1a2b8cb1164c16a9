"""Many styles on the same photos, the best first."""

import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ganstyle.errors import CheckpointError, DataError, GanstyleError
from ganstyle.evaluate.models import EvaluationModels
from ganstyle.evaluate.score import Measured, StyleScore, score_style
from ganstyle.metrics import HIGHER_IS_BETTER
from ganstyle.metrics.protocol import describe
from ganstyle.style import load_style
from ganstyle.weights.student import is_student

RANK_BY = "style"
"""The score that decides if none is named."""


def find_styles(folder: str | Path) -> list[Path]:
    """Return every ``.safetensors`` file in a folder and those below it that may be a style.

    Raises:
        DataError: there is no such folder, or none in it.
    """
    if not Path(folder).is_dir():
        raise DataError(f"{folder}: no such folder; give one that holds styles")
    found = [path for path in sorted(Path(folder).rglob("*.safetensors")) if not is_student(path)]
    if not found:
        raise DataError(f"{folder}: holds no styles (.safetensors); train one: ganstyle train RECIPE")
    return found


def rank_folder(
    folder: str | Path,
    photos: Sequence[Path],
    instruments: EvaluationModels,
    *,
    size: int,
    by: str = RANK_BY,
    statistics: Path | None = None,
    on_event: Callable[[str, Measured], None] = lambda name, event: None,
) -> list[StyleScore]:
    """Score every style in a folder and those below it; one that cannot be is left out with a warning.

    Args:
        folder: the folder.
        photos: the photos' files.
        instruments: what measures.
        size: the photos' shorter side, in pixels.
        by: the score that decides.
        statistics: a folder where the photos' features are kept.
        on_event: called after each photo, with the style's name.

    Returns:
        The scores, best first. Styles are called by their place in the folder.

    Raises:
        GanstyleError: no style could be scored, or there is no score of that name.
    """
    scores: list[StyleScore] = []
    with tempfile.TemporaryDirectory(prefix="ganstyle-") as temporary:
        for path in find_styles(folder):
            name = path.relative_to(folder).with_suffix("").as_posix()
            try:
                style = load_style(path)
                # The photos' features are measured for the first style only.
                evaluator, _ = instruments.evaluator(
                    photos, style, size=size, statistics=statistics or Path(temporary)
                )
            except CheckpointError as error:
                warnings.warn(f"left out: {error}", stacklevel=2)
                continue
            if by not in evaluator.protocol:
                raise GanstyleError(f"no score '{by}'; choose from {', '.join(evaluator.protocol)}")
            style.generator.to(instruments.device)
            score = score_style(style, evaluator, partial(on_event, name))
            scores.append(replace(score, name=name))
    if not scores:
        raise GanstyleError(f"{folder}: none of its styles could be scored; the reasons are above")
    return rank(scores, by)


def rank(scores: Sequence[StyleScore], by: str = RANK_BY) -> list[StyleScore]:
    """Return scores sorted by one of them, the best first; those without it come last."""
    sign = -1 if by in HIGHER_IS_BETTER else 1
    return sorted(scores, key=lambda score: sign * score.scores.get(by, sign * float("inf")))


def markdown(scores: Sequence[StyleScore]) -> str:
    """Return a table of scores and how they were measured, for a model card."""
    names = [name for name in scores[0].protocol if any(name in score.scores for score in scores)]
    head = ["", "style", *names, "s/image", "training"]
    lines = [head, ["---", "---", *["---:"] * (len(head) - 2)]]
    for place, score in enumerate(scores, 1):
        seconds = (score.info.get("training") or {}).get("seconds")
        lines.append(
            [
                str(place),
                score.name.replace("|", "\\|"),
                *(_number(score.scores.get(name)) for name in names),
                f"{score.seconds_per_image:.3f}",
                "" if seconds is None else f"{seconds / 60:.0f} min",
            ]
        )
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    notes = "\n".join(f"- {name}: {describe(_common(scores, name))}" for name in names)
    return f"{table}\n\n{notes}\n"


def _common(scores: Sequence[StyleScore], name: str) -> dict[str, Any]:
    """Return the protocol of a score for all styles: they differ in their paintings only."""
    protocols = [score.protocol[name] for score in scores]
    if any(protocol["against"] != protocols[0]["against"] for protocol in protocols):
        return {**protocols[0], "against": "each style's own painting"}
    return protocols[0]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
