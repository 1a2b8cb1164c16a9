"""A folder of photos as a content source."""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep

from torch import Tensor

from ganstyle.data.fault_tolerance import PATIENCE, FaultTolerantDataset
from ganstyle.data.transient import transient_cause
from ganstyle.errors import DataError, ImageError
from ganstyle.images import ImageListing, UnreadablePath, check_image, find_images, read_image

_LISTED = 3  # names in a warning


def scan_folder(folder: str | Path) -> list[Path]:
    """Find the images in a folder and its subfolders, and skip those with a bad header.

    Only headers are read, several at a time to hide the latency of network disks. What is left out is
    reported by a warning: images with a bad header, pictures of a kind that cannot be read (such as HEIC),
    and subfolders that cannot be opened.

    Args:
        folder: where to look.

    Returns:
        Paths of the images with a good header, sorted; at least one.

    Raises:
        DataError: there is no such folder, it cannot be opened, or it has no readable image.
    """
    folder = Path(folder)
    listing = list_images(folder)
    paths = listing.images
    if not paths:
        raise nothing_readable(folder, [str(entry) for entry in listing.unreadable])
    problems = _check_headers(paths)
    good = [path for path, problem in zip(paths, problems, strict=True) if problem is None]
    bad = [problem for problem in problems if problem is not None]
    if not good:
        raise DataError(f"{folder}: none of its {len(paths)} images can be read; the first: {bad[0]}")
    if bad:
        names = [str(p.relative_to(folder)) for p, b in zip(paths, problems, strict=True) if b]
        warnings.warn(
            f"{folder}: skipped {len(bad)} of {len(paths)} unreadable images: {_first(names)}",
            stacklevel=2,
        )
    report_unreadable(folder, listing)
    return good


def list_images(folder: str | Path) -> ImageListing:
    """List the images in a folder and its subfolders; see `find_images`.

    Raises:
        DataError: there is no such folder, or it cannot be opened.
    """
    if not Path(folder).is_dir():
        raise DataError(f"{folder}: no such folder; give a folder that holds images")
    try:
        return find_images(folder)
    except ImageError as error:
        raise DataError(str(error)) from error


def list_validation_photos(folder: str | Path, count: int, check: Callable[[Path], object]) -> ImageListing:
    """List the first images in a recipe's ``score.content`` that pass a check; see `list_images`.

    A training must not end hours later because a photo breaks off in the middle, so all are read now.

    Args:
        folder: searched recursively.
        count: how many at the most.
        check: reads one, and raises ImageError if it cannot be scored; then the next takes its place.

    Raises:
        DataError: as there. Recipes name a folder that a newcomer may not have, so the line names the key.
    """
    if not Path(folder).is_dir():
        raise DataError(
            f"score.content {folder}: no such folder; give a folder of validation photos, "
            "or turn scoring off with score.every=0"
        )
    listing = list_images(folder)
    images: list[Path] = []
    unreadable = list(listing.unreadable)
    for path in listing.images:
        if len(images) == count:
            break
        try:
            check(path)
        except ImageError as error:
            unreadable.append(UnreadablePath(path, str(error).removeprefix(f"{path}: ")))
        else:
            images.append(path)
    if not images:
        raise nothing_readable(folder, [str(entry) for entry in unreadable])
    return ImageListing(images, sorted(unreadable, key=lambda entry: entry.path))


def nothing_readable(folder: str | Path, problems: Sequence[str]) -> DataError:
    """Return the error to raise about a folder without a readable image.

    Args:
        folder: the folder.
        problems: a line for each picture or folder in it that cannot be read.
    """
    if not problems:
        return DataError(f"{folder}: holds no image files; put JPEG, PNG or WebP files there")
    return DataError(
        f"{folder}: none of the {len(problems)} pictures or folders in it can be read; the first: "
        f"{problems[0]}"
    )


def report_unreadable(folder: str | Path, listing: ImageListing) -> None:
    """Warn about the pictures and folders that a listing of ``folder`` leaves out."""
    reasons = [f"{entry.path.relative_to(folder)} ({entry.reason})" for entry in listing.unreadable]
    if reasons:
        warnings.warn(
            f"{folder}: left out {len(reasons)} unreadable images or folders: {_first(reasons)}",
            stacklevel=3,
        )


def _check_headers(paths: list[Path]) -> list[ImageError | None]:
    """Read each image's header; retry for some seconds where the disk or the network fails."""
    with ThreadPoolExecutor(4) as pool:
        problems = list(pool.map(_problem, paths))
        deadline, delay = monotonic() + PATIENCE["read"], 0.2
        while (failed := _worth_retrying(paths, problems)) and monotonic() < deadline:
            sleep(delay)
            delay = min(2 * delay, 2.0)
            for index, problem in zip(failed, pool.map(_problem, [paths[i] for i in failed]), strict=True):
                problems[index] = problem
    return problems


def _worth_retrying(paths: list[Path], problems: list[ImageError | None]) -> list[int]:
    # A link to nothing has most likely been one for long.
    return [
        index
        for index, (path, problem) in enumerate(zip(paths, problems, strict=True))
        if problem is not None and transient_cause(problem) is not None and not path.is_symlink()
    ]


def _problem(path: Path) -> ImageError | None:
    try:
        check_image(path)
    except ImageError as error:
        return error
    return None


def _first(names: list[str]) -> str:
    return ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")


class FolderImages(FaultTolerantDataset):
    """All images in a folder and its subfolders, sorted by path.

    Images with a bad header are skipped when the folder is opened. Those that turn out to be damaged further
    on are replaced by the next good one; see `FaultTolerantDataset`.

    Args:
        path: the folder.

    Raises:
        DataError: there is no such folder, or it has no readable image.
    """

    def __init__(self, path: str | Path) -> None:
        self.paths = scan_folder(path)
        super().__init__(self._read, len(self.paths), str(path), self._reachable)

    def _read(self, index: int) -> Tensor:
        return read_image(self.paths[index])[0]

    def _reachable(self, index: int) -> bool:
        """Return whether the image's folder exists and is not the empty mount point of a lost disk."""
        try:
            return any(True for _ in self.paths[index].parent.iterdir())
        except OSError:
            return False
