"""Which photos of a folder are measured."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ganstyle.data.folder import list_images, nothing_readable
from ganstyle.errors import GanstyleError
from ganstyle.evaluate.memory import memory_advice
from ganstyle.images import check_image
from ganstyle.metrics.evaluator import read_scorable

_THREADS = 4  # that read headers: on network disks it is waiting that takes the time


@dataclass(frozen=True)
class ChosenPhotos:
    """Photos to measure.

    Attributes:
        photos: their files; at least one.
        skipped: one line for each photo or folder that cannot be read, and why.
    """

    photos: Sequence[Path]
    skipped: Sequence[str]


def choose_photos(folder: str | Path, count: int | None = None) -> ChosenPhotos:
    """Return a folder's photos, or some of them, spread evenly over their names.

    Every header is read, and the photos that are chosen are decoded: one that breaks off in the middle is
    skipped like one with a damaged header, and another takes its place.

    Args:
        folder: searched recursively.
        count: how many at the most; None: all.

    Raises:
        DataError: there is no such folder, or it holds no photo that can be read.
        GanstyleError: ``count`` is below 1.
    """
    if count is not None and count < 1:
        raise GanstyleError(f"{count} photos: give at least 1")
    listing = list_images(folder)
    problems = {entry.path: str(entry) for entry in listing.unreadable}
    problems |= _problems(listing.images, check_image, _THREADS)
    good = [path for path in listing.images if path not in problems]
    decoded: set[Path] = set()
    while good:
        chosen = good if count is None else _spread(good, count)
        broken = _problems([path for path in chosen if path not in decoded], _decode, 1)
        if not broken:
            return ChosenPhotos(chosen, [problems[path] for path in sorted(problems)])
        decoded.update(chosen)
        problems |= broken
        good = [path for path in good if path not in broken]
    raise nothing_readable(folder, [problems[path] for path in sorted(problems)])


def _spread(paths: Sequence[Path], count: int) -> Sequence[Path]:
    if count >= len(paths):
        return paths
    return [paths[number * len(paths) // count] for number in range(count)]


def _decode(path: Path) -> None:
    with memory_advice(str(path), "leave it out, or make it smaller"):
        read_scorable(path)


def _problems(paths: Sequence[Path], check: Callable[[Path], object], threads: int) -> dict[Path, str]:
    """Return what is wrong with each file that a check refuses."""

    def problem(path: Path) -> str | None:
        try:
            check(path)
        except GanstyleError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(threads) as pool:
        found = zip(paths, pool.map(problem, paths), strict=True)
        return {path: text for path, text in found if text is not None}
