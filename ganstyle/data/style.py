"""The paintings whose style is learned, and random pieces of them."""

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
        path: an image, or a folder that is searched for images; files that cannot be read are skipped with a
            warning.
        max_shorter: paintings whose shorter side is longer than this many pixels are reduced to it. A
            photograph of a painting often holds far more pixels than a patch can use, and each patch would
            pay for them. None keeps every pixel.

    Attributes:
        paths: where the paintings come from.
        images: the paintings, each (1, 3, H, W) in [0, 1].

    Raises:
        ImageError: ``path`` is a file and cannot be read.
        DataError: ``path`` is a folder without a good image.
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
                f"{path}: skipped {len(problems)} paintings that cannot be decoded; the first: {problems[0]}",
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
        """Cut a random piece of a random painting, as the discriminator's example of real strokes.

        The painting is thought of as resized so that its shorter side is ``shorter * u`` pixels, with ``u``
        uniform in ``scale``, or just large enough for the patch where that is more.

        Args:
            rng: where the random numbers come from.
            size: side of the patch in pixels, at least 1.
            shorter: the painting's shorter side in pixels at scale 1, at least 1.
            scale: lowest and highest ``u``, above 0.
            flip: mirror left to right in half of the cases; strokes bear it.

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
