"""The style paintings, and random patches of them for the discriminator."""

import warnings
from pathlib import Path

import numpy as np
from torch import Tensor

from ganstyle.data.crops import crop_square
from ganstyle.data.folder import scan_folder
from ganstyle.errors import DataError, ImageError
from ganstyle.images import read_image, resize_shorter


class StyleImages:
    """One painting, or all paintings of a folder, held in memory.

    Args:
        path: an image, or a folder that is searched for images. Unreadable files are skipped with a warning.
        max_shorter: paintings are reduced so that their shorter side is at most this long, in pixels. Scans
            of paintings often have far more pixels than a patch can use, which makes each patch slow. None
            keeps the full size.

    Attributes:
        paths: the paintings' files.
        images: the paintings, each (1, 3, H, W) in [0, 1].

    Raises:
        ImageError: ``path`` is a file and cannot be read.
        DataError: ``path`` is a folder without a readable image.
    """

    def __init__(self, path: str | Path, *, max_shorter: int | None = None) -> None:
        path = Path(path)
        self.paths: list[Path] = []
        self.images: list[Tensor] = []
        problems: list[ImageError] = []
        for file in scan_folder(path) if path.is_dir() else [path]:
            try:
                image = read_image(file)
            except ImageError as error:
                if not path.is_dir():
                    raise
                problems.append(error)
                continue
            if max_shorter is not None and min(image.shape[-2:]) > max_shorter:
                image = resize_shorter(image, max_shorter)
            self.paths.append(file)
            self.images.append(image)
        if not self.images:
            raise DataError(f"{path}: no painting in it can be decoded; the first: {problems[0]}")
        if problems:
            warnings.warn(
                f"{path}: skipped {len(problems)} unreadable paintings; the first: {problems[0]}",
                stacklevel=2,
            )

    def __len__(self) -> int:
        """Return the number of paintings."""
        return len(self.images)

    def random_patch(
        self,
        rng: np.random.Generator,
        size: int,
        shorter: int,
        *,
        scale: tuple[float, float] = (0.75, 1.25),
        flip: bool = True,
    ) -> Tensor:
        """Cut a random patch of a random painting, as a real sample for the discriminator.

        Equivalent to resizing the painting so that its shorter side is ``shorter * u`` pixels, with ``u``
        uniform in ``scale``, or is just large enough for the patch if that is more, and cutting a patch.

        Args:
            rng: the random number generator.
            size: side of the patch in pixels, at least 1.
            shorter: the painting's shorter side in pixels at ``u`` = 1, at least 1.
            scale: lowest and highest ``u``, above 0.
            flip: flip horizontally with probability 0.5.

        Returns:
            (3, size, size), float32 in [0, 1].

        Raises:
            ValueError: ``size``, ``shorter`` or ``scale`` is out of range.
        """
        low, high = scale
        if size < 1 or shorter < 1 or not 0.0 < low <= high:
            raise ValueError(
                f"size and shorter must be >= 1 and 0 < scale[0] <= scale[1]: {size}, {shorter}, {scale}"
            )
        image = self.images[int(rng.integers(len(self.images)))][0]
        side = round(size * min(image.shape[-2:]) / (shorter * rng.uniform(low, high)))
        return crop_square(image, side, size, rng, flip=flip)
