"""Training views for a student: photos and paintings, augmented as optimizers and generators distort them."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ganstyle.data import ContentSource, StyleImages
from ganstyle.data.crops import crop_square
from ganstyle.data.rng import Stream, sample_rng
from ganstyle.data.sampler import Draw

Augmentation = Callable[[Tensor, Tensor, np.random.Generator], Tensor]

PAINTING_FRACTION = 0.35  # fraction of the views cut from a painting rather than from a photo
VIEW_MIN, VIEW_MAX = -0.15, 1.15  # optimizers leave [0, 1] at times


class DistillationData(Dataset[dict[str, Tensor]]):
    """Crops of photos and of paintings, and augmented views of them, each determined by (seed, epoch, index).

    Args:
        content: the photos.
        style: the paintings.
        size: side of every crop in pixels.
        seed: determines every random choice.
    """

    def __init__(self, content: ContentSource, style: StyleImages, *, size: int, seed: int) -> None:
        self.content = content
        self.style = style
        self.size = size
        self.seed = seed

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self.content)

    def __getitem__(self, draw: Draw) -> dict[str, Tensor]:
        """Return one sample.

        Returns:
            ``photo`` and ``painting`` in [0, 1] and ``view`` in [-0.15, 1.15], each (3, size, size).
        """
        rng = sample_rng(self.seed, draw.epoch, draw.index, Stream.CONTENT)
        photo = _random_scale_crop(self.content[draw.index], self.size, rng)
        other = self.style.images[int(rng.integers(len(self.style)))][0]
        painting = _random_scale_crop(other, self.size, rng)
        view, mixed = (painting, photo) if rng.random() < PAINTING_FRACTION else (photo, painting)
        return {"photo": photo, "painting": painting, "view": augment_view(view, mixed, rng)}


def augment_view(image: Tensor, other: Tensor, rng: np.random.Generator) -> Tensor:
    """Augment an image at random into something that an optimizer or a generator may produce.

    A third of the images are unchanged; the others are blended with another image, shifted in color, given
    more or less contrast, flattened, or replaced by noise. Three in ten of all images get additive noise.

    Args:
        image: (3, H, W) in [0, 1].
        other: an image of the same shape to blend with.
        rng: the random number generator.

    Returns:
        (3, H, W) in [-0.15, 1.15].
    """
    augment = _AUGMENTATIONS[int(rng.choice(len(_AUGMENTATIONS), p=_PROBABILITIES))]
    view = augment(image, other, rng)
    if rng.random() < 0.3:
        view = view + rng.uniform(0, 0.15) * _gaussian(view.shape, rng)
    return view.clamp(VIEW_MIN, VIEW_MAX)


def _keep(image: Tensor, other: Tensor, rng: np.random.Generator) -> Tensor:
    return image


def _blend(image: Tensor, other: Tensor, rng: np.random.Generator) -> Tensor:
    return torch.lerp(image, other, rng.uniform(0.2, 0.8))


def _shift_colors(image: Tensor, other: Tensor, rng: np.random.Generator) -> Tensor:
    """Mix the channels at random around mid-gray, and shift them."""
    mix = torch.eye(3) + rng.uniform(0, 0.4) * _gaussian((3, 3), rng)
    shift = rng.uniform(0, 0.25) * _gaussian((3, 1, 1), rng)
    return torch.einsum("ij,jhw->ihw", mix, image - 0.5) + 0.5 + shift


def _change_contrast(image: Tensor, other: Tensor, rng: np.random.Generator) -> Tensor:
    """Stretch the contrast beyond [0, 1], or shrink it around some gray."""
    if rng.random() < 0.5:
        return (image - 0.5) * rng.uniform(1, 1.5) + 0.5
    return (image - 0.5) * rng.uniform(0, 0.5) + rng.random()


def _flatten(image: Tensor, other: Tensor, rng: np.random.Generator) -> Tensor:
    """Fade the image into one color, or into a gradient between four."""
    corners = _uniform((3, 1, 1) if rng.random() < 0.3 else (3, 2, 2), rng)
    smooth = _upsample(corners, image.shape[-2:], "bilinear")
    return torch.lerp(image, smooth, rng.uniform(0.5, 1))


def _replace_by_noise(image: Tensor, other: Tensor, rng: np.random.Generator) -> Tensor:
    """Return noise with grains of 1 to 16 pixels around a random color."""
    height, width = image.shape[-2:]
    grain = 2 ** int(rng.integers(5))
    grains = _uniform((3, max(1, height // grain), max(1, width // grain)), rng)
    noise = _upsample(grains, (height, width), "bilinear" if rng.random() < 0.5 else "nearest")
    return (noise - 0.5) * rng.uniform(0.2, 1) + _uniform((3, 1, 1), rng)


_AUGMENTATIONS: tuple[Augmentation, ...] = (
    _keep,
    _blend,
    _shift_colors,
    _change_contrast,
    _flatten,
    _replace_by_noise,
)
_PROBABILITIES = (0.34, 0.12, 0.24, 0.12, 0.10, 0.08)


def _random_scale_crop(image: Tensor, size: int, rng: np.random.Generator) -> Tensor:
    """Cut a square of 0.6 to 3 times ``size``, limited by the image, and resize it to ``size``."""
    side = max(size // 2, round(size * 2 ** rng.uniform(-0.7, 1.6)))
    return crop_square(image, side, size, rng)


def _upsample(image: Tensor, size: tuple[int, int] | torch.Size, mode: str) -> Tensor:
    corners = True if mode == "bilinear" else None
    return torch.nn.functional.interpolate(image[None], tuple(size), mode=mode, align_corners=corners)[0]


def _gaussian(shape: tuple[int, ...] | torch.Size, rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.standard_normal(tuple(shape), dtype=np.float32))


def _uniform(shape: tuple[int, ...], rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.random(shape, dtype=np.float32))
