"""What a student is shown: photos and paintings in the states that other networks will ask it about."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ganstyle.data import ContentSource, StyleImages
from ganstyle.data.crops import crop_square
from ganstyle.data.rng import Stream, sample_rng
from ganstyle.data.sampler import Draw

State = Callable[[Tensor, Tensor, np.random.Generator], Tensor]

PAINTED = 0.35  # part of the views that begin as a piece of a painting
LOWEST, HIGHEST = -0.15, 1.15  # optimizers leave [0, 1] for a while


class DistillationData(Dataset[dict[str, Tensor]]):
    """Photos, pieces of paintings, and views made of them; each determined by (seed, epoch, index).

    Args:
        content: the photos.
        style: the paintings.
        size: side of everything that is given, in pixels.
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
        """Make one sample.

        Returns:
            ``photo`` and ``painting`` in [0, 1] and ``view`` in [-0.15, 1.15], each (3, size, size).
        """
        rng = sample_rng(self.seed, draw.epoch, draw.index, Stream.CONTENT)
        photo = _any_scale(self.content[draw.index], self.size, rng)
        other = self.style.images[int(rng.integers(len(self.style)))][0]
        painting = _any_scale(other, self.size, rng)
        view, mixed = (painting, photo) if rng.random() < PAINTED else (photo, painting)
        return {"photo": photo, "painting": painting, "view": disturb(view, mixed, rng)}


def disturb(image: Tensor, other: Tensor, rng: np.random.Generator) -> Tensor:
    """Bring an image into one of the states that optimizers and generators pass through.

    A third stays as it is; the others are blended with another image, shifted in color, given more or less
    contrast, flattened, or replaced by noise. Noise is added to three in ten of all.

    Args:
        image: (3, H, W) in [0, 1].
        other: an image of the same shape to blend with.
        rng: where the random numbers come from.

    Returns:
        (3, H, W) in [-0.15, 1.15].
    """
    states: tuple[State, ...] = (_same, _blended, _recolored, _contrasted, _flattened, _noise)
    chosen = states[int(rng.choice(len(states), p=(0.34, 0.12, 0.24, 0.12, 0.10, 0.08)))]
    view = chosen(image, other, rng)
    if rng.random() < 0.3:
        view = view + rng.uniform(0, 0.15) * _gaussian(view.shape, rng)
    return view.clamp(LOWEST, HIGHEST)


def _same(image: Tensor, other: Tensor, rng: np.random.Generator) -> Tensor:
    return image


def _blended(image: Tensor, other: Tensor, rng: np.random.Generator) -> Tensor:
    return torch.lerp(image, other, rng.uniform(0.2, 0.8))


def _recolored(image: Tensor, other: Tensor, rng: np.random.Generator) -> Tensor:
    """Mix the channels at random around mid-gray, and shift them."""
    mix = torch.eye(3) + rng.uniform(0, 0.4) * _gaussian((3, 3), rng)
    shift = rng.uniform(0, 0.25) * _gaussian((3, 1, 1), rng)
    return torch.einsum("ij,jhw->ihw", mix, image - 0.5) + 0.5 + shift


def _contrasted(image: Tensor, other: Tensor, rng: np.random.Generator) -> Tensor:
    """Stretch the contrast beyond [0, 1], or shrink it around some gray."""
    if rng.random() < 0.5:
        return (image - 0.5) * rng.uniform(1, 1.5) + 0.5
    return (image - 0.5) * rng.uniform(0, 0.5) + rng.random()


def _flattened(image: Tensor, other: Tensor, rng: np.random.Generator) -> Tensor:
    """Let the image fade into one color, or into a smooth change between four."""
    corners = _uniform((3, 1, 1) if rng.random() < 0.3 else (3, 2, 2), rng)
    smooth = _enlarged(corners, image.shape[-2:], "bilinear")
    return torch.lerp(image, smooth, rng.uniform(0.5, 1))


def _noise(image: Tensor, other: Tensor, rng: np.random.Generator) -> Tensor:
    """Draw noise with grains from one pixel to sixteen, around some color."""
    height, width = image.shape[-2:]
    grain = 2 ** int(rng.integers(5))
    grains = _uniform((3, max(1, height // grain), max(1, width // grain)), rng)
    noise = _enlarged(grains, (height, width), "bilinear" if rng.random() < 0.5 else "nearest")
    return (noise - 0.5) * rng.uniform(0.2, 1) + _uniform((3, 1, 1), rng)


def _any_scale(image: Tensor, size: int, rng: np.random.Generator) -> Tensor:
    """Cut a square of 0.6 to 3 times the wanted side, as far as the image goes, and resize it."""
    side = max(size // 2, round(size * 2 ** rng.uniform(-0.7, 1.6)))
    return crop_square(image, side, size, rng)


def _enlarged(image: Tensor, size: tuple[int, int] | torch.Size, mode: str) -> Tensor:
    corners = True if mode == "bilinear" else None
    return torch.nn.functional.interpolate(image[None], tuple(size), mode=mode, align_corners=corners)[0]


def _gaussian(shape: tuple[int, ...] | torch.Size, rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.standard_normal(tuple(shape), dtype=np.float32))


def _uniform(shape: tuple[int, ...], rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.random(shape, dtype=np.float32))
