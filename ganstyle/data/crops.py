"""Random square crops. Only the cropped region is resized, which keeps large images cheap."""

from collections.abc import Sequence

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


def with_context(size: int) -> int:
    """Return the side of the crops to paint, where losses are to see ``size`` pixels of them."""
    return size + size // 4


def without_context(images: Sequence[Tensor], size: int, rng: np.random.Generator) -> list[Tensor]:
    """Cut the same square from all images, at a random place: the part of painted crops that losses see.

    A generator knows where a crop ends, by the repeated pixels there. If losses see the ends of all crops,
    it learns to paint a frame: the upright stripe of *The Scream* along the right edge of every picture. The
    random place also takes it off the lattice of blocks of 2, 4 and 8 pixels, in which the feature network's
    pooling and the octaves of the losses see an image; where these are always the blocks of the generator's
    own strides, it learns to paint rows of marks that suit them only.

    Args:
        images: each (B, 3, H, W), H and W at least ``size``; all are cut alike.
        size: side of the square in pixels.
        rng: draws the place.

    Returns:
        Each image as (B, 3, size, size).
    """
    top, left = (int(rng.integers(side - size + 1)) for side in images[0].shape[-2:])
    return [image[..., top : top + size, left : left + size] for image in images]
