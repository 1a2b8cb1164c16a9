"""Runs as HTML, drawn once for all who watch."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from ganstyle.evaluate.run_view import RunView, read_run, run_fingerprint
from ganstyle.gui.components import chart, picture, placeholder, progress_line
from ganstyle.reports import table

_PAUSE = 4.0  # times as long as drawing took: the training may need all processors
_LONGEST_PAUSE = 10.0  # seconds
_REMEMBERED = 4  # runs

_NO_CURVES = placeholder("No losses have been logged yet.")
_NO_SAMPLES = placeholder("There are no samples yet.")
_NO_SCORES = placeholder("There are no scores. A recipe turns them on with score.every.")

_INTEGERS = ("step", "photos")


@dataclass(frozen=True)
class DrawnRun:
    """A run as HTML.

    Attributes:
        version: changes with the run.
        status: the step, and how long ago it was written.
        curves: all charts.
        samples: the latest grid of samples.
        scores: a table.
    """

    version: Any
    status: str
    curves: str
    samples: str
    scores: str


class RunDrawings:
    """Draws runs for all visitors together, and seldom enough to leave the processors to a training.

    Drawing all curves takes seconds on a slow machine, so a run that has changed is drawn again only after
    four times as long as the last drawing took, but at the latest after 10 s.

    Args:
        clock: returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._drawn: dict[Path, tuple[DrawnRun, float]] = {}  # and the time from which it may be drawn again

    def latest(self, folder: Path) -> DrawnRun:
        """Return the latest drawing of a run.

        Raises:
            OSError: the run is removed meanwhile, or cannot be read.
            ValueError: a file in it is damaged.
        """
        with self._lock:
            version = run_fingerprint(folder)
            drawn, due = self._drawn.get(folder, (None, 0.0))
            begun = self._clock()
            if drawn is None or (drawn.version != version and begun >= due):
                drawn = draw_run(read_run(folder), version)
                ended = self._clock()
                self._drawn.pop(folder, None)
                self._drawn[folder] = drawn, ended + min(_PAUSE * (ended - begun), _LONGEST_PAUSE)
                for old in list(self._drawn)[:-_REMEMBERED]:
                    del self._drawn[old]
            return drawn


def draw_run(run: RunView, version: Any) -> DrawnRun:
    """Draw a run as HTML; see `DrawnRun`."""
    age = f"{run.age:.0f} s" if run.age < 120 else f"{run.age / 60:.0f} min"
    charts = "".join(chart(group.curves, title=group.title, x="step", y="") for group in run.groups)
    return DrawnRun(
        version,
        progress_line(f"Step {run.step:,}, written {age} ago. This page updates itself."),
        f'<div class="charts">{charts}</div>' if charts else _NO_CURVES,
        _render_sample(run.sample) if run.sample else _NO_SAMPLES,
        _render_scores(run) if run.scores else _NO_SCORES,
    )


def _render_sample(path: Path) -> str:
    step = int(path.stem.rpartition("-")[2])
    return picture(
        path.read_bytes(),
        kind="jpeg",
        alt=f"Photos and their stylized versions at step {step}",
        caption=f"Samples at step {step:,}",
    )


def _render_scores(run: RunView) -> str:
    names = list(dict.fromkeys(name for line in run.scores for name in line))
    rows = [
        [_number(name, line.get(name)) for name in names] + ["best" if line.get("step") == run.best else ""]
        for line in reversed(run.scores)
    ]
    return table([*names, ""], rows, caption="Scores by checkpoint, newest first")


def _number(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if name in _INTEGERS else f"{value:.4g}"
