"""Training samples and batches: crops of photos, with patches of paintings for the discriminator."""

from typing import Protocol, cast, runtime_checkable

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ganstyle.data.content import ContentSource, StreamedSource
from ganstyle.data.crops import random_crop
from ganstyle.data.periodic import crop_side
from ganstyle.data.rng import Stream, sample_rng
from ganstyle.data.sampler import Draw, EndlessSampler
from ganstyle.data.style import StyleImages
from ganstyle.data.workers import BatchLoader, prepare_worker


class TrainingData(Dataset[dict[str, Tensor]]):
    """Pairs of a photo crop and an unrelated painting patch, each determined by (seed, epoch, index).

    Args:
        content: the photos.
        style: the paintings.
        image_size: how much of the photos' crops losses see: the side in pixels, without the context.
        patch_size: side of the paintings' patches in pixels; None omits them.
        style_size: the paintings' shorter side in pixels at patch scale 1.
        seed: determines crops, scales, flips and strengths.
        max_strength: the largest strength to train with; None omits strengths.
        crop_scales: the lowest and highest size of a photo that crops are cut from; see `random_crop`.
        patch_scales: the lowest and highest scale of the paintings that patches are cut from; see
            `StyleImages.random_patch`.
    """

    def __init__(
        self,
        content: ContentSource,
        style: StyleImages,
        *,
        image_size: int,
        patch_size: int | None,
        style_size: int,
        seed: int,
        max_strength: float | None = None,
        crop_scales: tuple[float, float] = (1.0, 1.5),
        patch_scales: tuple[float, float] = (0.75, 1.25),
    ) -> None:
        self.content = content
        self.style = style
        self.image_size = image_size
        self.patch_size = patch_size
        self.style_size = style_size
        self.seed = seed
        self.max_strength = max_strength
        self.crop_scales = crop_scales
        self.patch_scales = patch_scales

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self.content)

    def __getitem__(self, draw: Draw) -> dict[str, Tensor]:
        """Return one sample.

        Returns:
            ``content`` (3, side, side), with the side that `crop_side` gives, and, unless omitted,
            ``style`` (3, patch_size, patch_size), both in [0, 1], and ``strength`` (), see `draw_strength`.
        """
        photo = sample_rng(self.seed, draw.epoch, draw.index, Stream.CONTENT)
        crop = random_crop(
            self.content[draw.index], crop_side(self.image_size), photo, scale=self.crop_scales
        )
        sample = {"content": crop}
        if self.patch_size is not None:
            patch = sample_rng(self.seed, draw.epoch, draw.index, Stream.STYLE)
            sample["style"] = self.style.random_patch(
                patch, self.patch_size, self.style_size, scale=self.patch_scales
            )
        if self.max_strength is not None:
            rng = sample_rng(self.seed, draw.epoch, draw.index, Stream.STRENGTH)
            sample["strength"] = torch.tensor(draw_strength(rng, self.max_strength))
        return sample


def draw_strength(rng: np.random.Generator, highest: float) -> float:
    """Draw the strength for a photo: 1 with probability 0.5, otherwise uniform in 0 … ``highest``.

    Most users want strength 1, so training must not trade it away for the others.
    """
    anywhere = float(rng.uniform(0, highest))
    return 1.0 if rng.random() < 0.5 else anywhere


class SeededDataset(Protocol):
    """A data set whose samples are functions of the draw alone."""

    def __len__(self) -> int:
        """Return the number of photos."""
        ...

    def __getitem__(self, draw: Draw, /) -> dict[str, Tensor]:
        """Return one sample."""
        ...


@runtime_checkable
class _HasContent(Protocol):
    content: ContentSource


def _window_of(dataset: SeededDataset) -> int | None:
    """Return within how many images to shuffle; None: among all."""
    source = dataset.content if isinstance(dataset, _HasContent) else None
    return source.window if isinstance(source, StreamedSource) else None


def training_loader(
    dataset: SeededDataset,
    *,
    batch_size: int,
    seed: int,
    start: int = 0,
    rank: int = 0,
    world_size: int = 1,
    workers: int = 0,
    pin_memory: bool = False,
) -> BatchLoader:
    """Return a loader of endless batches; see `EndlessSampler` for their order.

    The batches depend neither on the number of workers nor on the global random state, which is not touched.

    Args:
        dataset: the samples.
        batch_size: samples per batch and process.
        seed: determines the order.
        start: the number of samples that all processes together have drawn so far.
        rank: which process this is.
        world_size: how many processes there are.
        workers: number of worker processes; 0 loads in this process.
        pin_memory: copy batches into page-locked memory, for faster transfers to a CUDA device.

    Returns:
        A loader of dictionaries like the samples, batched. Every iterator over it begins at ``start``.
    """
    return BatchLoader(
        cast(Dataset[dict[str, Tensor]], dataset),
        batch_size=batch_size,
        sampler=EndlessSampler(
            len(dataset), seed=seed, start=start, rank=rank, world_size=world_size, window=_window_of(dataset)
        ),
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=pin_memory,
        worker_init_fn=prepare_worker,
        generator=torch.Generator().manual_seed(seed),
    )
