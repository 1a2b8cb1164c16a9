"""The report of a comparison: a page, its pictures and ``compare.json``."""

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ganstyle.evaluate.compare import Comparison
from ganstyle.evaluate.curves import Curve, draw_curves, read_losses, read_scores
from ganstyle.evaluate.page import PHOTO, page, painting_key, picture_key
from ganstyle.evaluate.values import record
from ganstyle.files import atomic_write, check_folder
from ganstyle.gatys.benchmark.plots import SCHEMES, svg
from ganstyle.gatys.benchmark.report import PAGE

RECORD = "compare.json"

MOST_INLINE = 12
"""Pictures that a page holds in itself; more of them lie beside it."""


def write_report(
    comparison: Comparison, folder: Path, *, run: Path | None = None, force: bool = False
) -> tuple[Path, dict[str, Any]]:
    """Write the page and what it shows; the page itself comes last, when all it refers to is there.

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
    curves = _figures(run) if run else []
    pictures = dict(_pictures(comparison))
    files: dict[str, str] = {}
    if len(pictures) > MOST_INLINE:
        files = {key: f"images/{key}.png" for key in pictures}
        for key, content in pictures.items():
            _write(folder / files[key], content)
    addresses = files or {key: _data_uri("image/png", content) for key, content in pictures.items()}
    values = record(comparison, files)
    _write(folder / RECORD, (json.dumps(values, indent=1, allow_nan=False) + "\n").encode())
    _write(folder / PAGE, page(comparison, addresses, curves).encode())
    return folder / PAGE, values


def _pictures(comparison: Comparison) -> Iterator[tuple[str, bytes]]:
    for place, content in enumerate(comparison.paintings, 1):
        yield painting_key(place), content
    for place, photo in enumerate(comparison.photos, 1):
        yield picture_key(place, PHOTO), photo
        for entry in comparison.entries:
            yield picture_key(place, entry.method.key), entry.pictures[place - 1]


def _figures(run: Path) -> list[tuple[str, str, str]]:
    """Return the run's curves as the page wants them."""

    def addresses(curves: Mapping[str, Curve], x: str, y: str) -> list[str]:
        figures = [draw_curves(curves, scheme, x=x, y=y) for scheme in SCHEMES]
        return [_data_uri("image/svg+xml", svg(figure)) for figure in figures]

    light, dark = addresses(read_scores(run), "minutes of training", "score on validation photos")
    figures = [("Quality against cost", light, dark)]
    losses = read_losses(run)
    if losses:
        light, dark = addresses(losses, "step", "loss, before weighting")
        figures.append(("Losses in training", light, dark))
    return figures


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _write(path: Path, content: bytes) -> None:
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
