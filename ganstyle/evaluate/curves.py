"""A run's curves for a report: scores over minutes of training, and losses over steps."""

import json
from pathlib import Path

from ganstyle.errors import RunError, one_line
from ganstyle.reports import Curve, thinned
from ganstyle.runs.score_log import COMPARABLE

SCORES = "scores.jsonl"

_SCORES = ("content", "style")
_LATER_SCORES = ("style_coarse",)  # runs of older versions have none
_LOSSES = ("content", "style", "adversarial", "discriminator")
_READ = 2000  # points of a curve that are read; of more, a sample is


def read_scores(run: str | Path) -> dict[str, Curve]:
    """Return the scores of a run's ``scores.jsonl``: name → (minutes of training, value).

    Raises:
        RunError: there is no such run, or it has no scores.
    """
    file = Path(run) / SCORES
    try:
        lines = score_lines(run)
        names = [*_SCORES, *(name for name in _LATER_SCORES if any(name in line for line in lines))]
        return {
            name: [(line["seconds"] / 60, line[name]) for line in lines if _is_known(line, name)]
            for name in names
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = getattr(error, "strerror", None) or one_line(error)
        raise RunError(
            f"{file}: no scores to draw ({reason}); give the folder of a run with score.every above 0"
        ) from error


def _is_known(line: dict[str, float], name: str) -> bool:
    """Say whether a line has a score; None stands for one that was not finite."""
    value = line[name] if name in _SCORES else line.get(name)
    return value is not None


def score_lines(run: str | Path) -> list[dict[str, float]]:
    """Return the lines of a run's ``scores.jsonl``, one for each step that was scored, in order.

    Raises:
        OSError: there is no such file.
        ValueError: it is damaged.
    """
    text = (Path(run) / SCORES).read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    if not all(isinstance(line, dict) for line in lines):
        raise ValueError("not scores")
    return [{name: value for name, value in line.items() if name != COMPARABLE} for line in lines]


def read_losses(run: str | Path) -> dict[str, Curve]:
    """Return the losses in a run's TensorBoard files: name → (step, value); empty if there are none."""
    found = read_scalars(run)
    curves = {name: found.get(f"loss/{name}", []) for name in _LOSSES}
    return {name: thinned(curve) for name, curve in curves.items() if curve}


def read_scalars(run: str | Path) -> dict[str, Curve]:
    """Return every curve in a run's TensorBoard files: name → (step, value); empty if there are none."""
    from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator

    folder = Path(run) / "tensorboard"
    if not folder.is_dir():
        return {}
    events = EventAccumulator(str(folder), size_guidance={SCALARS: _READ})
    events.Reload()
    return {
        name: [(point.step, point.value) for point in events.Scalars(name)] for name in events.Tags()[SCALARS]
    }
