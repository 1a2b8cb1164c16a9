"""The report of a comparison: a page, its pictures and ``compare.json``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ganstyle.evaluate.compare import StyleComparison
from ganstyle.evaluate.curves import read_losses, read_scores
from ganstyle.evaluate.page import PHOTO, comparison_page, painting_key, picture_key
from ganstyle.evaluate.values import comparison_record
from ganstyle.files import check_folder
from ganstyle.reports import curves_figure, data_uri, write_report_folder

RECORD = "compare.json"

MOST_INLINE = 12
"""Up to this many pictures are embedded in the page; more are written as files next to it."""


def write_comparison(
    comparison: StyleComparison, folder: Path, *, run: Path | None = None, force: bool = False
) -> tuple[Path, dict[str, Any]]:
    """Write the page and what it shows; the page comes last, when everything it refers to exists.

    Args:
        comparison: what to show.
        folder: where; it is made if it does not exist.
        run: the folder of the generator's training, for its curves.
        force: whether the folder may hold something already; files of a report's names are replaced.

    Returns:
        The page's path, and what ``compare.json`` holds.

    Raises:
        GanstyleError: the folder may not be used, or cannot be written to.
        RunError: the run has no scores.
    """
    check_folder(folder, force=force)
    curves = _figures(run) if run else ""
    pictures = dict(_pictures(comparison))
    names = {key: f"images/{key}.png" for key in pictures} if len(pictures) > MOST_INLINE else {}
    addresses = names or {key: data_uri("image/png", content) for key, content in pictures.items()}
    values = comparison_record(comparison, names)
    path = write_report_folder(
        folder,
        comparison_page(comparison, addresses, curves),
        record=RECORD,
        values=values,
        files={name: pictures[key] for key, name in names.items()},
        force=force,
    )
    return path, values


def _pictures(comparison: StyleComparison) -> Iterator[tuple[str, bytes]]:
    for place, content in enumerate(comparison.paintings, 1):
        yield painting_key(place), content
    for place, photo in enumerate(comparison.photos, 1):
        yield picture_key(place, PHOTO), photo
        for result in comparison.results:
            yield picture_key(place, result.method.key), result.pictures[place - 1]


def _figures(run: Path) -> str:
    """Return the run's curves as figures."""
    figures = [
        curves_figure(
            read_scores(run),
            title="Quality against cost",
            x="minutes of training",
            y="score on validation photos",
        )
    ]
    losses = read_losses(run)
    if losses:
        figures.append(
            curves_figure(losses, title="Losses in training", x="step", y="loss, before weighting")
        )
    return "\n".join(figures)
