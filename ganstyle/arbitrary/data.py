"""Pairs of a photo and a painting, for the training of a generator for any painting."""

import itertools
import os
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms.v2 import functional as F

from ganstyle.data import ContentSource
from ganstyle.data.crops import crop_square, random_crop
from ganstyle.data.folder import FolderImages, list_images
from ganstyle.data.periodic import crop_side
from ganstyle.data.rng import Stream, sample_rng
from ganstyle.data.sampler import Draw
from ganstyle.errors import DataError

_CHANNEL_ORDERS = tuple(itertools.permutations(range(3)))


class PairData(Dataset[dict[str, Tensor]]):
    """Crops of photos, each with a crop of a painting of its own, determined by (seed, epoch, index).

    Args:
        content: the photos.
        paintings: the paintings.
        image_size: side of the paintings' crops in pixels, and what losses see of the photos'.
        crop_scales: the lowest and highest size of a photo that crops are cut from; see `random_crop`.
        style_size: the paintings' shorter side in pixels at scale 1.
        scales: the lowest and highest scale of the paintings that crops are cut at.
        colors: part of the crops that get other colors.
        identity: part of the pairs in which photo and painting are the same crop.
        real: whether a discriminator needs a second crop of each painting.
        seed: determines every random choice.
    """

    def __init__(
        self,
        content: ContentSource,
        paintings: ContentSource,
        *,
        image_size: int,
        crop_scales: tuple[float, float] = (1.0, 1.5),
        style_size: int,
        scales: tuple[float, float],
        colors: float,
        identity: float,
        seed: int,
        real: bool = False,
    ) -> None:
        self.content = content
        self.paintings = paintings
        self.image_size = image_size
        self.crop_scales = crop_scales
        self.style_size = style_size
        self.scales = scales
        self.colors = colors
        self.identity = identity
        self.seed = seed
        self.real = real

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self.content)

    def __getitem__(self, draw: Draw) -> dict[str, Tensor]:
        """Return a pair.

        Returns:
            ``content``, ``style`` and, if asked for, ``real``, another crop of the painting in the same
            colors, each (3, image_size, image_size) in [0, 1]. The side of ``content`` is the one that
            `crop_side` gives.
        """
        rng = sample_rng(self.seed, draw.epoch, draw.index, Stream.CONTENT)
        painted = crop_side(self.image_size)
        photo = random_crop(self.content[draw.index], painted, rng, scale=self.crop_scales)
        rng = sample_rng(self.seed, draw.epoch, draw.index, Stream.STYLE)
        same, photo_as_painting = rng.random() < self.identity, rng.random() < 0.5
        if same and photo_as_painting:
            crops = torch.stack([photo, photo.flip(-1)][: 1 + self.real])
        else:
            painting = self.paintings[int(rng.integers(len(self.paintings)))]
            size, shorter = painted if same else self.image_size, self.style_size
            crops = torch.stack(
                [crop_painting(painting, size, shorter, self.scales, rng) for _ in range(1 + self.real)]
            )
            if rng.random() < self.colors:
                crops = change_colors(crops, rng)
        seen = F.center_crop(crops, [self.image_size])
        pair = {"content": crops[0] if same else photo, "style": seen[0]}
        return pair | {"real": seen[1]} if self.real else pair


def crop_painting(
    painting: Tensor, size: int, shorter: int, scales: tuple[float, float], rng: np.random.Generator
) -> Tensor:
    """Cut a random crop of (3, H, W) as if the painting's shorter side had ``shorter`` · scale pixels.

    The scale is log-uniform in ``scales``, and large enough for the crop.

    Returns:
        (3, size, size) in [0, 1].
    """
    low, high = np.log(scales)
    side = round(size * min(painting.shape[-2:]) / (shorter * float(np.exp(rng.uniform(low, high)))))
    return crop_square(painting, side, size, rng)


def change_colors(crops: Tensor, rng: np.random.Generator) -> Tensor:
    """Change brightness, saturation and hue, and often the order of the channels (Ghiasi et al. 2017).

    Args:
        crops: (..., 3, H, W) in [0, 1], all changed alike.
        rng: the random number generator.
    """
    crop = F.adjust_brightness(crops, rng.uniform(0.5, 1.5))
    crop = F.adjust_saturation(crop, rng.uniform(0.5, 1.5))
    crop = F.adjust_hue(crop, rng.uniform(-0.2, 0.2))
    order = _CHANNEL_ORDERS[int(rng.integers(len(_CHANNEL_ORDERS)))]
    changed: Tensor = F.permute_channels(crop, list(order)) if rng.random() < 0.5 else crop
    return changed.contiguous()


class Paintings(FolderImages):
    """The paintings of a folder but those that are held out.

    Args:
        path: the folder.
        held_out: files that are left out, and with them files of the same name.

    Raises:
        DataError: there is no such folder, or no painting is left.
    """

    def __init__(self, path: str | Path, held_out: Sequence[Path] = ()) -> None:
        super().__init__(path)
        files = {os.path.realpath(file) for file in held_out}  # takes a link that leads to itself
        names = {file.name for file in held_out}
        self.paths = [p for p in self.paths if p.name not in names and os.path.realpath(p) not in files]
        self.length = len(self.paths)
        if not self.paths:
            raise DataError(f"{path}: all its paintings are held out; leave some for training")


def find_held_out(path: str | Path, wanted: Sequence[str]) -> list[Path]:
    """Find the paintings that are held out.

    Args:
        path: the folder of paintings.
        wanted: for each, or for several: a file; a folder; or a pattern such as ``hokusai_*`` of names in
            ``path``, with or without their suffix.

    Returns:
        Their files, sorted within each entry, none of them twice.

    Raises:
        DataError: an entry fits nothing, or ``path`` is no folder.
    """
    found: dict[Path, None] = {}
    known = list_images(path).images
    for entry in wanted:
        if Path(entry).expanduser().is_dir():
            files = list_images(Path(entry).expanduser()).images
        elif Path(entry).expanduser().is_file():
            files = [Path(entry).expanduser()]
        else:
            files = [p for p in known if fnmatch(p.name, entry) or fnmatch(p.stem, entry)]
        if not files:
            raise DataError(
                f"style.held_out {entry}: neither a file nor a folder of images, nor a name in {path}"
            )
        found |= dict.fromkeys(files)
    return list(found)
