"""Writing a report: a folder with a page, its pictures and its numbers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganstyle.files import atomic_write, check_folder

PAGE = "index.html"


def write_report_folder(
    folder: Path,
    html: str,
    *,
    record: str,
    values: Mapping[str, Any],
    files: Mapping[str, bytes],
    force: bool = False,
) -> Path:
    """Write a report; the page comes last, when all it refers to is there.

    Args:
        folder: where; it is made if it does not exist.
        html: the page.
        record: name of the JSON file.
        values: what the JSON file holds; all numbers must be finite.
        files: name, as seen from the page → content.
        force: whether the folder may hold something already; files of the same names are replaced.

    Returns:
        The page's path.

    Raises:
        GanstyleError: the folder may not be used, or cannot be written to.
    """
    check_folder(folder, force=force)
    text = json.dumps(values, indent=1, allow_nan=False) + "\n"
    for name, content in {**files, record: text.encode(), PAGE: html.encode()}.items():
        with atomic_write(folder / name) as temporary:
            temporary.write_bytes(content)
    return folder / PAGE
