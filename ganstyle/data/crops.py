"""Random square crops. Only the cropped region is resized, which keeps large images cheap."""

import numpy as np
from torch import Tensor

from ganstyle.images import resize


def crop_square(
    image: Tensor, side: int, size: int, rng: np.random.Generator, *, flip: bool = True
) -> Tensor:
    """Cut a square at a random position and resize it.

    Args:
        image: (3, H, W) in [0, 1].
        side: side of the square in pixels of ``image``; clamped to 1 … min(H, W).
        size: side of the result in pixels.
        rng: draws the position and the flip; always exactly three numbers.
        flip: flip horizontally with probability 0.5.

    Returns:
        (3, size, size) in [0, 1], contiguous.
    """
    height, width = image.shape[-2:]
    side = max(1, min(side, height, width))
    top = int(rng.integers(height - side + 1))
    left = int(rng.integers(width - side + 1))
    mirrored = bool(rng.random() < 0.5) and flip
    square = image[None, :, top : top + side, left : left + side]
    square = resize(square, (size, size))[0]
    return (square.flip(-1) if mirrored else square).contiguous()


def random_crop(
    image: Tensor,
    size: int,
    rng: np.random.Generator,
    *,
    scale: tuple[float, float] = (1.0, 1.5),
    flip: bool = True,
) -> Tensor:
    """Cut a random square at a random scale.

    Equivalent to resizing the image so that its shorter side is ``size * u``, with ``u`` uniform in
    ``scale``, and cutting a ``size`` x ``size`` square from it. Smaller images are enlarged.

    Args:
        image: (3, H, W) in [0, 1], any size from 1 x 1.
        size: side of the result in pixels, at least 1.
        rng: the random number generator.
        scale: lowest and highest ``u``, at least 1.
        flip: flip horizontally with probability 0.5.

    Returns:
        (3, size, size), float32 in [0, 1].

    Raises:
        ValueError: ``size`` or ``scale`` is out of range.
    """
    low, high = scale
    if size < 1 or not 1.0 <= low <= high:
        raise ValueError(f"size must be >= 1 and 1 <= scale[0] <= scale[1]: {size}, {scale}")
    side = round(min(image.shape[-2:]) / rng.uniform(low, high))
    return crop_square(image, side, size, rng, flip=flip)
