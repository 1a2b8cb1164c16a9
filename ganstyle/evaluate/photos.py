"""Which photos of a folder are measured on."""

from pathlib import Path

from ganstyle.data.folder import scan_folder
from ganstyle.errors import GanstyleError


def choose_photos(folder: str | Path, count: int | None = None) -> list[Path]:
    """Return a folder's photos, or some of them, spread evenly over their names.

    Args:
        folder: searched recursively; files whose header is no good are left out with a warning.
        count: how many at the most; None: all.

    Raises:
        DataError: there is no such folder, or it holds no photo.
        GanstyleError: ``count`` is below 1.
    """
    if count is not None and count < 1:
        raise GanstyleError(f"{count} photos: give at least 1")
    photos = scan_folder(folder)
    if count is None or count >= len(photos):
        return photos
    return [photos[number * len(photos) // count] for number in range(count)]
