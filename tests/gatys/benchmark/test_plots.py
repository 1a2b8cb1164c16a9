from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.colors import to_hex

from ganstyle.gatys.benchmark.comparison import OptimizerComparison
from ganstyle.gatys.benchmark.report import draw_losses
from ganstyle.gatys.benchmark.summary import Spread, loss_curve
from ganstyle.reports import SCHEMES, svg

MadeUp = Callable[..., OptimizerComparison]

LBFGS = [[(0.0, 10.0), (0.1, 4.0), (1.0, 1.0)]]
LANGEVIN = [[(0.0, 10.0), (0.2, 8.0), (1.0, 3.0)], [(0.0, 10.0), (0.1, 9.0), (1.0, 2.0)]]


def test_curve_holds_the_best_loss_of_each_run(made_up: MadeUp) -> None:
    comparison = made_up({"lbfgs": LBFGS, "langevin": LANGEVIN})
    assert loss_curve(comparison.runs[:1]) == [
        (0.0, Spread(10.0, 10.0, 10.0)),
        (6.0, Spread(4.0, 4.0, 4.0)),
        (60.0, Spread(1.0, 1.0, 1.0)),
    ]
    assert loss_curve(comparison.runs[1:3]) == [
        (0.0, Spread(10.0, 10.0, 10.0)),
        (6.0, Spread(9.5, 9.0, 10.0)),
        (12.0, Spread(8.5, 8.0, 9.0)),
        (60.0, Spread(2.5, 2.0, 3.0)),
    ]


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_line_for_each_optimizer_and_band_over_seeds(made_up: MadeUp, scheme: str) -> None:
    comparison = made_up({"lbfgs": LBFGS, "langevin": LANGEVIN})
    (axes,) = draw_losses(comparison, comparison.budgets[0], scheme).axes
    assert [line.get_label() for line in axes.lines] == ["lbfgs", "langevin"]
    assert np.asarray(axes.lines[0].get_ydata()).tolist() == [10.0, 4.0, 1.0]
    assert len(axes.collections) == 1
    assert len({to_hex(line.get_color()) for line in axes.lines}) == 2
    assert len({line.get_linestyle() for line in axes.lines}) == 2
    assert axes.get_xscale() == "log"
    assert axes.get_xlim() == (6.0, 60.0)
    assert axes.get_xlabel() == "seconds"
    assert to_hex(axes.get_facecolor()) == SCHEMES[scheme][0]


def test_log_scale_for_losses_of_wide_range(made_up: MadeUp) -> None:
    wide, narrow = made_up({"lbfgs": LBFGS}), made_up({"lbfgs": [[(0.0, 2.0), (0.5, 1.5), (1.0, 1.0)]]})
    assert draw_losses(wide, wide.budgets[0], "light").axes[0].get_yscale() == "log"
    assert draw_losses(narrow, narrow.budgets[0], "light").axes[0].get_yscale() == "linear"
    assert (
        draw_losses(narrow, narrow.budgets[1], "light").axes[0].get_xlabel() == "evaluations of the network"
    )


def test_run_without_progress_can_be_drawn(made_up: MadeUp) -> None:
    comparison = made_up({"lbfgs": [[(0.0, 10.0), (1.2, 10.0)]]})
    assert svg(draw_losses(comparison, comparison.budgets[0], "light"))
