"""Rank styles on the same photos, best first."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ganstyle.errors import DataError, GanstyleError
from ganstyle.evaluate.memory import memory_advice
from ganstyle.evaluate.models import style_evaluator
from ganstyle.evaluate.score import PhotoScored, StyleScore, score_style
from ganstyle.metrics import HIGHER_IS_BETTER, EvaluationModels
from ganstyle.metrics.protocol import describe_protocol
from ganstyle.style import load_style
from ganstyle.weights.kinds import file_format

_OTHERS = ("vgg16-student", "any-painting", "style-code")  # formats of sound files that are no styles

RANK_BY = "style"
"""The default score to rank by."""


class UnknownScoreError(GanstyleError):
    """The score that is to decide does not exist, or cannot be measured."""


def find_styles(folder: str | Path) -> list[Path]:
    """Return every ``.safetensors`` file in a folder and its subfolders that may be a style.

    Raises:
        DataError: there is no such folder, or none in it.
    """
    if not Path(folder).is_dir():
        raise DataError(f"{folder}: no such folder; give one that holds styles")
    files = sorted(Path(folder).rglob("*.safetensors"))
    found = [path for path in files if not file_format(path).startswith(_OTHERS)]
    if not found:
        raise DataError(f"{folder}: holds no styles (.safetensors); train one: ganstyle train RECIPE")
    return found


@dataclass(frozen=True)
class Ranking:
    """Styles on the same photos.

    Attributes:
        scores: the best first; at least one.
        failures: name of a style that could not be scored → why.
    """

    scores: Sequence[StyleScore]
    failures: Mapping[str, str]


def rank_folder(
    folder: str | Path,
    photos: Sequence[Path],
    models: EvaluationModels,
    *,
    size: int,
    by: str = RANK_BY,
    statistics: Path | None = None,
    on_event: Callable[[str, PhotoScored], None] = lambda name, event: None,
) -> Ranking:
    """Score every style in a folder and its subfolders; those that cannot be scored do not stop the others.

    Args:
        folder: the folder.
        photos: the photos' files.
        models: what scores are measured with.
        size: the photos' shorter side, in pixels.
        by: the score that decides.
        statistics: a folder where the features of photos and paintings are stored.
        on_event: called after each photo, with the style's name.

    Returns:
        The ranking. Styles are identified by their paths in the folder.

    Raises:
        GanstyleError: no style could be scored, or there is no score of that name.
    """
    scores: list[StyleScore] = []
    failures: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="ganstyle-") as temporary:
        # The photos' features are measured for the first style only.
        stored = statistics or Path(temporary)
        for path in find_styles(folder):
            name = path.relative_to(folder).with_suffix("").as_posix()
            try:
                scores.append(_score(path, name, photos, models, size, by, stored, partial(on_event, name)))
            except UnknownScoreError:
                raise
            except GanstyleError as error:
                failures[name] = str(error)
    if not scores:
        first = next(iter(failures.values()))
        raise GanstyleError(
            f"{folder}: none of its {len(failures)} styles could be scored; the first: {first}"
        )
    return Ranking(rank(scores, by), failures)


def _score(
    path: Path,
    name: str,
    photos: Sequence[Path],
    models: EvaluationModels,
    size: int,
    by: str,
    statistics: Path,
    on_event: Callable[[PhotoScored], None],
) -> StyleScore:
    style = load_style(path)
    with memory_advice(f"{name}'s painting"):
        evaluator, _ = style_evaluator(models, photos, style, size=size, statistics=statistics)
    if by in dict(models.missing):
        raise UnknownScoreError(f"the score '{by}' is not measured: {evaluator.missing[by]}")
    if by not in (*evaluator.protocol, *evaluator.missing):
        raise UnknownScoreError(f"no score '{by}'; choose from {', '.join(evaluator.protocol)}")
    with memory_advice(name, "use --device cpu"):
        style.generator.to(models.device)
    return replace(score_style(style, evaluator, on_event), name=name)


def rank(scores: Sequence[StyleScore], by: str = RANK_BY) -> list[StyleScore]:
    """Return scores sorted by one of them, the best first; those without it come last."""
    sign = -1 if by in HIGHER_IS_BETTER else 1
    return sorted(scores, key=lambda score: sign * score.scores.get(by, sign * float("inf")))


def markdown(scores: Sequence[StyleScore]) -> str:
    """Return a table of scores and how they were measured, for a model card."""
    # A style that was trained without octaves and whose painting is not here has no coarse score, for one.
    names = list(dict.fromkeys(name for score in scores for name in score.protocol if name in score.scores))
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
    notes = "\n".join(f"- {name}: {describe_protocol(_common(scores, name))}" for name in names)
    return f"{table}\n\n{notes}\n"


def _common(scores: Sequence[StyleScore], name: str) -> dict[str, Any]:
    """Return the protocol of a score for all styles that have it: they differ in their paintings only."""
    protocols = [score.protocol[name] for score in scores if name in score.protocol]
    if any(protocol["against"] != protocols[0]["against"] for protocol in protocols):
        return {**protocols[0], "against": "each style's own painting"}
    return protocols[0]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
