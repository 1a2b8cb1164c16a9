"""A folder of photos as a content source."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from torch import Tensor

from ganstyle.data.resilient import Readable
from ganstyle.errors import DataError, ImageError
from ganstyle.images import check_image, find_images, read_image


def scan_folder(folder: str | Path) -> list[Path]:
    """Find the images in a folder and its subfolders, and leave out those whose header is no good.

    Only headers are read, a few at a time, since on network disks it is waiting that takes the time.

    Args:
        folder: where to look.

    Returns:
        The good images' paths, sorted; at least one. If some were left out, one warning gives their number
        and the first of them.

    Raises:
        DataError: there is no such folder, or it holds no good image.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; give a folder that holds images")
    paths = find_images(folder)
    if not paths:
        raise DataError(f"{folder}: holds no image files; put JPEG, PNG or WebP files there")
    with ThreadPoolExecutor(4) as pool:
        problems = list(pool.map(_problem, paths))
    good = [path for path, problem in zip(paths, problems, strict=True) if problem is None]
    bad = [problem for problem in problems if problem is not None]
    if not good:
        raise DataError(f"{folder}: none of its {len(paths)} images can be read; the first: {bad[0]}")
    if bad:
        names = [str(p.relative_to(folder)) for p, b in zip(paths, problems, strict=True) if b][:3]
        more = ", ..." if len(bad) > len(names) else ""
        warnings.warn(
            f"{folder}: skipped {len(bad)} of {len(paths)} images that cannot be read: "
            f"{', '.join(names)}{more}",
            stacklevel=2,
        )
    return good


def _problem(path: Path) -> str | None:
    try:
        check_image(path)
    except ImageError as error:
        return str(error)
    return None


class FolderImages(Readable):
    """All images in a folder and its subfolders, sorted by path.

    Files with a bad header are skipped when the folder is opened; one that breaks off later in the file is
    replaced by the next good one.

    Args:
        path: the folder.

    Raises:
        DataError: there is no such folder, or it holds no good image.
    """

    def __init__(self, path: str | Path) -> None:
        self.paths = scan_folder(path)
        super().__init__(self._read, len(self.paths), str(path))

    def _read(self, index: int) -> Tensor:
        return read_image(self.paths[index])[0]
