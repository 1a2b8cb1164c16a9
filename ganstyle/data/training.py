"""What one training step sees: photos and pieces of paintings, side by side."""

import os
from typing import Protocol, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ganstyle.data.content import ContentSource
from ganstyle.data.crops import random_crop
from ganstyle.data.sampler import Draw, EndlessSampler
from ganstyle.data.seeded import Stream, keyed_generator
from ganstyle.data.style import StyleImages


class TrainingData(Dataset[dict[str, Tensor]]):
    """Pairs of a photo and an unrelated piece of a painting, each determined by (seed, epoch, index).

    Args:
        content: the photos.
        style: the paintings.
        image_size: side of the photos' crops in pixels.
        patch_size: side of the paintings' patches in pixels; None leaves them out.
        style_size: the paintings' shorter side in pixels, before patches are cut at scales around 1.
        seed: determines crops, scales, mirroring and strengths.
        max_strength: the highest strength that a photo is to be painted with; None leaves strengths out.
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
    ) -> None:
        self.content = content
        self.style = style
        self.image_size = image_size
        self.patch_size = patch_size
        self.style_size = style_size
        self.seed = seed
        self.max_strength = max_strength

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self.content)

    def __getitem__(self, draw: Draw) -> dict[str, Tensor]:
        """Make one sample.

        Returns:
            ``content`` (3, image_size, image_size) and, unless left out, ``style``
            (3, patch_size, patch_size), both in [0, 1], and ``strength`` (), see `draw_strength`.
        """
        photo = keyed_generator(self.seed, draw.epoch, draw.index, Stream.CONTENT)
        sample = {"content": random_crop(self.content[draw.index], self.image_size, photo)}
        if self.patch_size is not None:
            patch = keyed_generator(self.seed, draw.epoch, draw.index, Stream.STYLE)
            sample["style"] = self.style.random_patch(patch, self.patch_size, self.style_size)
        if self.max_strength is not None:
            rng = keyed_generator(self.seed, draw.epoch, draw.index, Stream.STRENGTH)
            sample["strength"] = torch.tensor(draw_strength(rng, self.max_strength))
        return sample


def draw_strength(rng: np.random.Generator, highest: float) -> float:
    """Draw how strongly a photo is to be painted: 1 for one half, uniform in 0 to ``highest`` for the other.

    The plain style is what most people use, and a network that learns all strengths must not lose it.
    """
    anywhere = float(rng.uniform(0, highest))
    return 1.0 if rng.random() < 0.5 else anywhere


class SeededDataset(Protocol):
    """Samples that each follow from a draw alone."""

    def __len__(self) -> int:
        """Return the number of photos."""
        ...

    def __getitem__(self, draw: Draw, /) -> dict[str, Tensor]:
        """Make one sample."""
        ...


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
) -> DataLoader[dict[str, Tensor]]:
    """Feed a data set in batches, for ever; see `EndlessSampler` for the order.

    The batches depend neither on the number of workers nor on the global random state, which is left alone.

    Args:
        dataset: what to feed.
        batch_size: samples per batch and process.
        seed: determines the order.
        start: the number of samples that all processes together have drawn before.
        rank: which process this is.
        world_size: how many processes there are.
        workers: processes that prepare batches; 0 prepares them in this one.
        pin_memory: put batches into page-locked memory, for a faster copy to a CUDA device.

    Returns:
        A loader of the samples' dictionaries, each entry batched. Every iterator over it begins at ``start``.
    """
    return DataLoader(
        cast(Dataset[dict[str, Tensor]], dataset),
        batch_size=batch_size,
        sampler=EndlessSampler(len(dataset), seed=seed, start=start, rank=rank, world_size=world_size),
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=pin_memory,
        worker_init_fn=_prepare_worker,
        generator=torch.Generator().manual_seed(seed),
    )


def _prepare_worker(_: int) -> None:
    torch.set_num_threads(1)
    # Ctrl-C and `timeout` signal the whole process group. The main process wants to save before it leaves, so
    # the workers stay out of the group; they leave by themselves when the main process is gone.
    if hasattr(os, "setpgrp"):
        os.setpgrp()
