"""A training run as it stands, read from its folder while the training writes there."""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ganstyle.evaluate.curves import SCORES, read_scalars, score_lines
from ganstyle.reports import Curve, thinned
from ganstyle.runs.history import BEST, output_step

_TITLES = {
    "loss": "Losses",
    "weighted": "Weighted losses",
    "score": "Scores on validation photos",
    "logits": "Logits of the discriminator",
    "gradient": "Gradient norms",
    "accuracy": "Accuracy of the discriminator",
    "diversity": "Diversity of the pictures",
    "skipped": "Skipped steps",
}
"""Titles of TensorBoard's groups of curves, in the order in which they are shown; others follow."""


@dataclass(frozen=True)
class CurveGroup:
    """Curves that belong together: a title, and name → points."""

    title: str
    curves: Mapping[str, Curve]


@dataclass(frozen=True)
class RunView:
    """A run as it stands.

    Attributes:
        step: the last one that was logged.
        age: seconds since anything was written.
        groups: the curves.
        sample: the latest grid of samples, a JPEG file, if there is one.
        scores: a dictionary for each step that was scored.
        best: the step whose style is kept as the best; None: unknown.
    """

    step: int
    age: float
    groups: Sequence[CurveGroup]
    sample: Path | None
    scores: Sequence[Mapping[str, float]]
    best: int | None


def find_runs(folder: Path) -> dict[str, Path]:
    """Return the runs in a folder by name, the most recently written first."""
    runs: list[tuple[float, Path]] = []
    with suppress(FileNotFoundError, NotADirectoryError):
        for path in folder.iterdir():
            with suppress(OSError):  # removed meanwhile, or not ours to read
                if (path / "tensorboard").is_dir() or (path / SCORES).is_file():
                    runs.append((_written(path), path))
    return {path.name: path for _, path in sorted(runs, reverse=True)}


def run_fingerprint(run: Path) -> tuple[tuple[str, int, int], ...]:
    """Return a value that changes whenever there is something new to see of a run."""
    return tuple((path.name, status.st_mtime_ns, status.st_size) for path, status in _files(run))


def read_run(run: Path) -> RunView:
    """Read a run.

    Raises:
        OSError: it is removed meanwhile, or cannot be read.
        ValueError: a file in it is damaged.
    """
    scalars = read_scalars(run)
    samples = sorted((run / "samples").glob("step-*.jpg"))
    scores = score_lines(run) if (run / SCORES).is_file() else []
    steps = [int(curve[-1][0]) for curve in scalars.values() if curve]
    return RunView(
        step=max([*steps, *(int(line["step"]) for line in scores[-1:])], default=0),
        age=max(0.0, time.time() - _written(run)),
        groups=_group(scalars),
        sample=samples[-1] if samples else None,
        scores=scores,
        best=output_step(run / BEST),
    )


def _group(scalars: Mapping[str, Curve]) -> list[CurveGroup]:
    groups: dict[str, dict[str, Curve]] = {kind: {} for kind in _TITLES}
    for tag, curve in scalars.items():
        kind, _, name = tag.partition("/")
        name = name if kind == "score" else (name or kind).replace("_", " ")  # scores have names of their own
        groups.setdefault(kind, {})[name] = thinned(curve)
    return [
        CurveGroup(_TITLES.get(kind, kind.replace("_", " ").capitalize()), curves)
        for kind, curves in groups.items()
        if curves
    ]


def _files(run: Path) -> list[tuple[Path, os.stat_result]]:
    """Return the files that show a run's progress; the training may remove any of them meanwhile."""
    found = []
    events, samples = (run / "tensorboard").glob("*tfevents*"), (run / "samples").glob("step-*.jpg")
    for path in [*events, *samples, run / SCORES]:
        with suppress(FileNotFoundError, NotADirectoryError):
            found.append((path, path.stat()))
    return sorted(found)


def _written(run: Path) -> float:
    """Return when a run was last written to, in seconds since the epoch."""
    return max([status.st_mtime for _, status in _files(run)], default=0.0)
