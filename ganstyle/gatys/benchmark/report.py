"""The page that shows a comparison: a folder with HTML, plots, pictures and ``optimizers.json``."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganstyle.files import check_folder
from ganstyle.gatys.benchmark.page import PHOTO, page, painting_name, plot_name
from ganstyle.gatys.benchmark.plots import draw
from ganstyle.gatys.benchmark.record import record
from ganstyle.gatys.benchmark.runs import Comparison
from ganstyle.images import encode_png
from ganstyle.reports import SCHEMES, svg, write_report_folder

RECORD = "optimizers.json"


def write_report(
    comparison: Comparison, folder: Path, *, content: str, styles: Sequence[str], force: bool = False
) -> Path:
    """Write the page and what it shows; the page itself comes last, when all it refers to is there.

    Args:
        comparison: what to show.
        folder: where; it is made if it does not exist.
        content: what the photo is called.
        styles: what the paintings are called.
        force: whether the folder may hold something already; see `check_folder`.

    Returns:
        The page's path.

    Raises:
        GanstyleError: the folder may not be used, or cannot be written to.
    """
    check_folder(folder, force=force)
    images = {
        place: f"images/{run.optimizer}-{run.budget.unit}-{run.seed}.png"
        for place, run in enumerate(comparison.runs)
    }
    files = {PHOTO: encode_png(comparison.setup.content)}
    files |= {painting_name(place): encode_png(it) for place, it in enumerate(comparison.setup.styles, 1)}
    files |= {images[place]: encode_png(run.image) for place, run in enumerate(comparison.runs)}
    files |= {
        plot_name(budget, scheme): svg(draw(comparison, budget, scheme))
        for budget in comparison.budgets
        for scheme in SCHEMES
    }
    return write_report_folder(
        folder,
        page(comparison, content=content, styles=styles, images=images),
        record=RECORD,
        values=record(comparison, content=content, styles=styles, images=images),
        files=files,
        force=force,
    )


def read_record(folder: Path) -> Any:
    """Return what ``optimizers.json`` holds in a report's folder."""
    return json.loads((folder / RECORD).read_text(encoding="utf-8"))
