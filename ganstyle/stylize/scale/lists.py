"""Text files that list photos."""

import os
from collections.abc import Iterator
from pathlib import Path

from ganstyle.errors import GanstyleError, ImageError
from ganstyle.images.formats import find_decoder

SUFFIXES = (".list", ".lst", ".txt")
"""Lower-case suffixes of files that are taken for lists."""


def is_list(path: Path) -> bool:
    """Say whether a path is a list of photos: a file of such a suffix that does not hold a photo itself."""
    if path.suffix.lower() not in SUFFIXES or not os.path.isfile(path):  # noqa: PTH113 - takes any name
        return False
    try:
        with path.open("rb") as file:
            # Only formats that no text looks like: a list may begin with BMW.jpg or P1010001.JPG.
            return find_decoder(file.read(64)).format not in ("JPEG", "PNG")
    except ImageError:
        return True
    except OSError:  # whoever reads it says what is wrong
        return True


def read_list(path: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the photos that a list names, and where their results belong below an output folder.

    One path a line, or ended by NULs as ``find -print0`` writes them; relative to the list's folder. Names
    may hold any bytes. Photos below that folder keep their places. Others, given by an absolute path or by
    ``..``, get their whole path below the output folder; so results never leave it.

    Raises:
        GanstyleError: the list cannot be read, or names nothing.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise GanstyleError(f"{path}: cannot be read ({error.strerror or error}); check the file") from error
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\0" if b"\0" in content else b"\n")
    names = [name for line in lines if (name := line.removesuffix(b"\r"))]
    if not names:
        raise GanstyleError(f"{path}: names no photo; write one path a line")
    folder = os.path.abspath(path.parent)  # noqa: PTH100 - without following links, like normpath below
    for name in names:
        given = os.fsdecode(name)
        # As the user reads the path, whatever links it goes through: only the result's name depends on it.
        place = Path(os.path.normpath(os.path.join(folder, given)))  # noqa: PTH118 - an absolute one wins
        below = place.relative_to(folder) if place.is_relative_to(folder) else Path(*place.parts[1:])
        yield path.parent / given, below
