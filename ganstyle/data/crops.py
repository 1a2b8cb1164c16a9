"""Random square crops. Only the region that is kept is resized, so a large image costs little."""

import numpy as np
from torch import Tensor

from ganstyle.images import resize


def crop_square(
    image: Tensor, side: int, size: int, rng: np.random.Generator, *, flip: bool = True
) -> Tensor:
    """Cut a square from a random place of an image and resize it.

    Args:
        image: (3, H, W) in [0, 1].
        side: the square's side in pixels of ``image``; brought into the range from 1 to min(H, W).
        size: the side of the result in pixels.
        rng: gives the place and whether to mirror; always advanced by three numbers.
        flip: mirror left to right in half of the cases.

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
    """Cut a training photo: a random square of the image, seen at a random scale.

    The result is what one gets by resizing the image so that its shorter side is ``size * u``, with ``u``
    uniform in ``scale``, and cutting a ``size`` x ``size`` square from it. Smaller images are enlarged.

    Args:
        image: (3, H, W) in [0, 1], any size from 1 x 1.
        size: side of the result in pixels, at least 1.
        rng: where the random numbers come from.
        scale: lowest and highest ``u``, 1 or more.
        flip: mirror left to right in half of the cases.

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
