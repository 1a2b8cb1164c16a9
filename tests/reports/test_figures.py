import xml.etree.ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex

from ganstyle.reports import SCHEMES, draw_curves, svg, thinned


def test_thinned_curve_keeps_means() -> None:
    curve = [(float(n), float(n % 2)) for n in range(80)]
    short = thinned(curve)
    assert len(short) == 40
    assert short[:2] == [(0.5, 0.5), (2.5, 0.5)]
    assert thinned(curve[:3]) == curve[:3]
    assert thinned(curve[:41])[-1] == curve[40]


def test_log_scale_where_values_span_more_than_threefold() -> None:
    wide = {"content": [(0.0, 1.0), (1.0, 2.0)], "style": [(0.0, 0.7), (1.0, 0.05)]}
    axes = draw_curves(wide, "light", x="minutes", y="score").axes[0]
    assert axes.get_yscale() == "log"
    assert axes.get_xscale() == "linear"
    assert axes.get_legend_handles_labels()[1] == ["content", "style"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("minutes", "score")
    for narrow in ([(0.0, -1.0), (1.0, 2.0)], [(0.0, 0.0), (1.0, 2.0)], [(0.0, 2.0), (1.0, 1.0)]):
        assert draw_curves({"it": narrow}, "dark", x="", y="").axes[0].get_yscale() == "linear"


@pytest.mark.parametrize(("points", "whole"), [([(10.0, 1.0)], True), ([(0.0, 1.0), (0.5, 2.0)], False)])
def test_no_ticks_between_whole_steps(points: list[tuple[float, float]], whole: bool) -> None:
    axes = draw_curves({"it": points}, "light", x="step", y="").axes[0]
    assert all(tick.is_integer() for tick in axes.get_xticks()) == whole


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_bands_colors_and_dashes(scheme: str) -> None:
    curves = {"one": [(1.0, 4.0), (2.0, 1.0)], "two": [(1.0, 9.0), (2.0, 3.0)]}
    bands = {"one": [(1.0, 4.0, 4.0), (2.0, 1.0, 1.0)], "two": [(1.0, 8.0, 9.5), (2.0, 2.0, 3.0)]}
    figure = draw_curves(curves, scheme, x="", y="", bands=bands, log_x=True, x_limits=(1.0, 2.0))
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.lines] == ["one", "two"]
    assert np.asarray(axes.lines[0].get_ydata()).tolist() == [4.0, 1.0]
    assert len(axes.collections) == 1  # a band of no width is not drawn
    assert len({to_hex(line.get_color()) for line in axes.lines}) == 2
    assert len({line.get_linestyle() for line in axes.lines}) == 2
    assert axes.get_xscale() == "log"
    assert axes.get_xlim() == (1.0, 2.0)
    assert to_hex(axes.get_facecolor()) == SCHEMES[scheme][0]


def test_no_curves_and_empty_curves_can_be_drawn() -> None:
    nothing: list[dict[str, list[tuple[float, float]]]] = [{}, {"none": []}]
    for curves in nothing:
        assert b"<svg" in svg(draw_curves(curves, "light", x="x", y="y"))


def test_svg_changes_nothing_global() -> None:
    before = dict(mpl.rcParams)
    content = svg(draw_curves({"it": [(0.0, 1.0), (1.0, 2.0)]}, "dark", x="x", y="y"))
    assert ET.fromstring(content).tag == "{http://www.w3.org/2000/svg}svg"
    assert dict(mpl.rcParams) == before
