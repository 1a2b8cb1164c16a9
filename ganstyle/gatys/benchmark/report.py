"""The page that shows a comparison: a folder with HTML, plots, pictures and ``optimizers.json``."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganstyle.files import atomic_write, check_folder
from ganstyle.gatys.benchmark.page import PHOTO, page, painting_name, plot_name
from ganstyle.gatys.benchmark.plots import SCHEMES, draw, save
from ganstyle.gatys.benchmark.record import record
from ganstyle.gatys.benchmark.runs import Comparison
from ganstyle.images import write_image

PAGE = "index.html"
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
    images = _write_images(comparison, folder)
    for budget in comparison.budgets:
        for scheme in SCHEMES:
            save(draw(comparison, budget, scheme), folder / plot_name(budget, scheme))
    values = record(comparison, content=content, styles=styles, images=images)
    with atomic_write(folder / RECORD) as temporary:
        temporary.write_text(json.dumps(values, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    html = page(comparison, content=content, styles=styles, images=images)
    with atomic_write(folder / PAGE) as temporary:
        temporary.write_text(html, encoding="utf-8")
    return folder / PAGE


def read_record(folder: Path) -> Any:
    """Return what ``optimizers.json`` holds in a report's folder."""
    return json.loads((folder / RECORD).read_text(encoding="utf-8"))


def _write_images(comparison: Comparison, folder: Path) -> dict[int, str]:
    write_image(comparison.setup.content, folder / PHOTO)
    for place, style in enumerate(comparison.setup.styles, 1):
        write_image(style, folder / painting_name(place))
    images = {}
    for place, run in enumerate(comparison.runs):
        images[place] = f"images/{run.optimizer}-{run.budget.unit}-{run.seed}.png"
        write_image(run.image, folder / images[place])
    return images
