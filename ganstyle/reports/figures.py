"""Curves in a light and a dark color scheme, drawn with matplotlib's object interface.

No window is opened and no global setting is changed. matplotlib takes a second to import, so it is loaded by
the functions that draw.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING

from ganstyle.extras import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Curve = Sequence[tuple[float, float]]
"""Points (x, y) in order of x."""

Band = Sequence[tuple[float, float, float]]
"""Points (x, low, high) in order of x."""

SCHEMES: Mapping[str, tuple[str, str]] = {"light": ("#ffffff", "#1d1d1f"), "dark": ("#1c1d20", "#e8e8ea")}
"""Color scheme → (background, ink)."""

_SIZE = (5.2, 3.9)  # inches: 11-point letters are still legible when a phone halves the width
_FONT = 11.0
_MOST_POINTS = 40
_MARKED = 20  # curves with fewer points show each of them

# Okabe & Ito 2008: distinguishable with any color vision. The dashes help in gray. On a dark page the darkest
# blue gives way to a lighter one, and black to white.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_ON_DARK = {"#0072B2": "#4aa8e0", "#009E73": "#2fc79a", "#000000": "#ffffff"}
_DASHES: tuple[str | tuple[int, tuple[int, ...]], ...] = (
    "solid",
    (0, (6, 2)),
    (0, (2, 1)),
    (0, (6, 2, 2, 2)),
    (0, (1, 1)),
    (0, (8, 2, 2, 2, 2, 2)),
)

_DRAWING = Lock()
"""matplotlib's fonts and settings belong to the whole process; a server draws in several threads."""


def draw_curves(
    curves: Mapping[str, Curve],
    scheme: str,
    *,
    x: str,
    y: str,
    bands: Mapping[str, Band] | None = None,
    log_x: bool = False,
    x_limits: tuple[float, float] | None = None,
) -> "Figure":
    """Draw curves over one axis.

    The vertical axis is logarithmic if all values are positive and the largest is more than three times the
    smallest.

    Args:
        curves: name → points.
        scheme: "light" or "dark".
        x: label of the horizontal axis.
        y: label of the vertical axis.
        bands: name of a curve → range that is shaded around it.
        log_x: make the horizontal axis logarithmic.
        x_limits: ends of the horizontal axis; None: those of the data.
    """
    require("matplotlib", "drawing curves")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    background, _ = SCHEMES[scheme]
    figure = Figure(figsize=_SIZE, layout="constrained", facecolor=background)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(facecolor=background)
    values = [value for points in curves.values() for _, value in points]
    for place, (name, points) in enumerate(curves.items()):
        color = _color(place, scheme)
        axes.plot(
            [point[0] for point in points],
            [point[1] for point in points],
            label=name,
            color=color,
            linestyle=_DASHES[place % len(_DASHES)],
            linewidth=2,
            marker="o" if len(points) < _MARKED else None,
            markersize=4,
        )
        band = (bands or {}).get(name, ())
        values += [edge for _, *edges in band for edge in edges]
        if any(low < high for _, low, high in band):
            at, low, high = zip(*band, strict=True)
            axes.fill_between(at, low, high, color=color, alpha=0.2, linewidth=0)
    if log_x:
        axes.set_xscale("log")
    elif all(float(point[0]).is_integer() for points in curves.values() for point in points):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))  # no half steps
    if values and max(values) > 3 * min(values) > 0:
        axes.set_yscale("log")
    if x_limits:
        axes.set_xlim(*x_limits)
    _style_axes(axes, scheme, x=x, y=y)
    return figure


def svg(figure: "Figure") -> bytes:
    """Return a figure as SVG, letters drawn as shapes so that no font needs to be installed."""
    buffer = BytesIO()
    with _DRAWING:
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def thinned(curve: Curve) -> Curve:
    """Return a curve of at most 40 points, each the mean of neighboring ones."""
    width = -(-len(curve) // _MOST_POINTS)
    groups = [curve[start : start + width] for start in range(0, len(curve), width)]
    return [(sum(x for x, _ in g) / len(g), sum(y for _, y in g) / len(g)) for g in groups]


def _color(place: int, scheme: str) -> str:
    color = _COLORS[place % len(_COLORS)]
    return _ON_DARK.get(color, color) if scheme == "dark" else color


def _style_axes(axes: "Axes", scheme: str, *, x: str, y: str) -> None:
    """Label the axes, and show their grid and a legend above them, where no curve can run through it."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

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
    if not axes.lines:
        return
    axes.legend(
        fontsize=_FONT - 1,
        labelcolor=ink,
        frameon=False,
        handlelength=2.8,
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=2,
    )
