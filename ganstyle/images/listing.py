"""The images in a folder: those that can be read, and what looks like one and cannot be."""

import os
from dataclasses import dataclass
from pathlib import Path

from ganstyle.errors import ImageError
from ganstyle.images.formats import READ_SUFFIXES, UNREADABLE_SUFFIXES


@dataclass(frozen=True)
class UnreadablePath:
    """Something in a folder of images that had to be left out.

    Attributes:
        path: a picture of a kind that is not read, or a folder that cannot be opened.
        reason: why, and what to do.
    """

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True)
class ImageListing:
    """What `find_images` finds.

    Attributes:
        images: sorted; whether a file is damaged turns out when it is read.
        unreadable: sorted by path. Callers must report these: a photo is never left out silently.
    """

    images: list[Path]
    unreadable: list[UnreadablePath]


def find_images(folder: str | Path) -> ImageListing:
    """List the images in a folder and the folders below it, by suffix; hidden files and folders are left out.

    Links to folders are followed. A folder that can be reached by several ways, such as a link that leads
    back up, is listed once, and by its own path rather than a link's.

    Args:
        folder: the folder.

    Returns:
        The listing; all its paths begin with ``folder``. Its lists are empty if there are no images.

    Raises:
        ImageError: there is no such folder, or it cannot be opened.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ImageError(f"{root}: no such folder")
    images: list[Path] = []
    unreadable: list[UnreadablePath] = []
    folders, links = [root], list[Path]()
    seen: set[tuple[int, int]] = set()
    while folders or links:
        # Links come last, so that a folder is listed by its own path if it has one below the root.
        current = folders.pop() if folders else links.pop(0)
        try:
            status = current.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(current) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            unreadable.append(UnreadablePath(current, _closed(error)))
            continue
        for entry in entries:
            path = current / entry.name
            if entry.name.startswith("."):
                continue
            try:
                is_folder = entry.is_dir()
            except PermissionError as error:  # a link into a closed folder: to what, nobody knows
                unreadable.append(UnreadablePath(path, _closed(error)))
                continue
            except OSError:  # a link to itself
                is_folder = False
            if is_folder:
                (links if entry.is_symlink() else folders).append(path)
            elif path.suffix.lower() in READ_SUFFIXES:
                images.append(path)
            elif path.suffix.lower() in UNREADABLE_SUFFIXES:
                unreadable.append(UnreadablePath(path, _unsupported(path)))
    if unreadable and unreadable[0].path == root:
        raise ImageError(str(unreadable[0]))
    return ImageListing(sorted(images), sorted(unreadable, key=lambda entry: entry.path))


def _closed(error: OSError) -> str:
    return f"cannot be opened ({error.strerror or error}); check its permissions"


def _unsupported(path: Path) -> str:
    return f"'{path.suffix}' images cannot be read; convert it to JPEG, PNG or WebP"
