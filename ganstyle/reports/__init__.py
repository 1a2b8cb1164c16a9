"""What reports are made of: figures, HTML, number formats and files, for the baseline, evaluation and GUI."""

from ganstyle.reports.figures import SCHEMES, Curve, draw_curves, svg, thinned
from ganstyle.reports.folder import PAGE, write_report_folder
from ganstyle.reports.formats import duration, number
from ganstyle.reports.html import (
    Cell,
    curves_figure,
    data_uri,
    definitions,
    describe_curves,
    figure,
    page,
    render,
    table,
    themed_figure,
)

__all__ = [
    "PAGE",
    "SCHEMES",
    "Cell",
    "Curve",
    "curves_figure",
    "data_uri",
    "definitions",
    "describe_curves",
    "draw_curves",
    "duration",
    "figure",
    "number",
    "page",
    "render",
    "svg",
    "table",
    "themed_figure",
    "thinned",
    "write_report_folder",
]
