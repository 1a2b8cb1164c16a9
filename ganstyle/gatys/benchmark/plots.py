"""Curves of a comparison, drawn with matplotlib's object interface: no window, no global state."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ganstyle.files import atomic_write
from ganstyle.gatys.benchmark.runs import Comparison, Run
from ganstyle.gatys.benchmark.snapshots import Budget
from ganstyle.gatys.benchmark.summary import Spread

_SIZE = (5.2, 3.9)  # inches: letters of 11 points are still legible when a telephone halves the width
_FONT = 11.0

# Okabe & Ito 2008: told apart by people who see fewer colors. The dashes help in gray. On a dark page the
# darkest blue gives way to a lighter one, and black to white.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_ON_DARK = {"#0072B2": "#4aa8e0", "#009E73": "#2fc79a", "#000000": "#ffffff"}
_DASHES: tuple[str | tuple[int, tuple[int, ...]], ...] = (
    "solid",
    (0, (6, 2)),
    (0, (2, 1)),
    (0, (6, 2, 2, 2)),
    (0, (1, 1)),
    (0, (8, 2, 2, 2, 2, 2)),
)

SCHEMES: Mapping[str, tuple[str, str]] = {"light": ("#ffffff", "#1d1d1f"), "dark": ("#1c1d20", "#e8e8ea")}
"""Color scheme → (background, ink)."""


def curve(runs: Sequence[Run]) -> list[tuple[float, Spread]]:
    """Return the loss in hand over the budget's unit, as median and range over runs of one optimizer.

    A point is given wherever any of the runs has a sample, from where all of them have one on; between its
    samples a run has what it had at the last.
    """
    times = [
        [run.budget.spent(s.seconds, s.evaluations) * run.budget.amount for s in run.samples] for run in runs
    ]
    points = []
    for time in sorted({time for of_run in times for time in of_run}):
        last = [bisect_right(of_run, time) - 1 for of_run in times]
        if min(last) >= 0:
            losses = [run.samples[index].loss for run, index in zip(runs, last, strict=True)]
            points.append((time, Spread.of(losses)))
    return points


def draw(comparison: Comparison, budget: Budget, scheme: str) -> Figure:
    """Draw the loss of every optimizer over one budget.

    Both axes are logarithmic where that helps: time and evaluations always, since most of the way is gone
    early on; the loss if the largest is more than three times the smallest.

    Args:
        comparison: the runs.
        budget: which of the two.
        scheme: "light" or "dark".
    """
    figure, axes = new_figure(scheme)
    names = list(dict.fromkeys(run.optimizer for run in comparison.runs))
    lowest, highest, begin = float("inf"), 0.0, budget.amount
    for place, name in enumerate(names):
        runs = [run for run in comparison.runs if run.optimizer == name and run.budget == budget]
        points = curve(runs)
        # The start lies at 0, which a logarithmic axis does not have; it is the level the curve comes from.
        begin = min([begin, *(time for time, _ in points if time > 0)])
        lowest = min([lowest, *(spread.low for _, spread in points)])
        highest = max([highest, *(spread.high for _, spread in points)])
        _line(axes, points, name, place, scheme)
    axes.set_xscale("log")
    if highest > 3 * lowest > 0:
        axes.set_yscale("log")
    axes.set_xlim(min(begin, budget.amount / 2), budget.amount)
    unit = "seconds" if budget.unit == "seconds" else "evaluations of the network"
    dress(axes, scheme, x=unit, y="loss")
    return figure


def new_figure(scheme: str) -> tuple[Figure, Axes]:
    """Return an empty figure in a color scheme, "light" or "dark"."""
    background, _ = SCHEMES[scheme]
    figure = Figure(figsize=_SIZE, layout="constrained", facecolor=background)
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot(facecolor=background)


def line_style(place: int, scheme: str) -> dict[str, Any]:
    """Return how the curve at a place in the legend is drawn."""
    color = _COLOURS[place % len(_COLOURS)]
    if scheme == "dark":
        color = _ON_DARK.get(color, color)
    return {"color": color, "linestyle": _DASHES[place % len(_DASHES)], "linewidth": 2}


def dress(axes: Axes, scheme: str, *, x: str, y: str, **legend: Any) -> None:
    """Label axes, and show their grid and the curves' names; keywords place the latter."""
    _, ink = SCHEMES[scheme]
    for axis, scale in ((axes.xaxis, axes.get_xscale()), (axes.yaxis, axes.get_yscale())):
        if scale == "log":
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(x, fontsize=_FONT, color=ink)
    axes.set_ylabel(y, fontsize=_FONT, color=ink)
    axes.tick_params(labelsize=_FONT - 1, colors=ink, which="both")
    axes.grid(which="major", color=ink, alpha=0.15, linewidth=0.8)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(ink)
    axes.legend(fontsize=_FONT - 1, labelcolor=ink, frameon=False, handlelength=2.8, **legend)


def svg(figure: Figure) -> bytes:
    """Return a figure as SVG, letters drawn as shapes so that no font needs to be there."""
    buffer = BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def save(figure: Figure, path: Path) -> None:
    """Write a figure as SVG, all or nothing."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(svg(figure))


def _line(axes: Axes, points: Sequence[tuple[float, Spread]], name: str, place: int, scheme: str) -> None:
    style = line_style(place, scheme)
    times = [time for time, _ in points]
    axes.plot(
        times,
        [spread.median for _, spread in points],
        label=name,
        **style,
    )
    if any(spread.low < spread.high for _, spread in points):
        low, high = [spread.low for _, spread in points], [spread.high for _, spread in points]
        axes.fill_between(times, low, high, color=style["color"], alpha=0.2, linewidth=0)
