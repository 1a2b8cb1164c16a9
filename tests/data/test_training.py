import itertools
import os
import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from ganstyle.data.folder import FolderImages
from ganstyle.data.sampler import Draw
from ganstyle.data.style import StyleImages
from ganstyle.data.training import TrainingData, training_loader

Batch = dict[str, Tensor]

# Python 3.12 and 3.13 warn of every fork of a process that has threads.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")


class ProcessGroup:
    """White where the reading process shares the given process group, black elsewhere."""

    def __init__(self, group: int) -> None:
        self.group = group

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int, /) -> Tensor:
        return torch.full((3, 8, 8), float(os.getpgrp() == self.group))


@pytest.fixture
def data(tmp_path: Path) -> TrainingData:
    for i in range(5):
        noise = np.random.default_rng(i).integers(0, 256, (24 + i, 40, 3), dtype=np.uint8)
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.fromarray(noise).save(tmp_path / "photos" / f"{i}.png")
    Image.fromarray(noise).save(tmp_path / "painting.png")
    style = StyleImages(tmp_path / "painting.png")
    return TrainingData(
        FolderImages(tmp_path / "photos"), style, image_size=16, patch_size=12, style_size=24, seed=3
    )


def batches(data: TrainingData, count: int, batch_size: int = 4, **options: Any) -> list[Batch]:
    return list(itertools.islice(training_loader(data, batch_size=batch_size, seed=3, **options), count))


def assert_same(first: list[Batch], second: list[Batch]) -> None:
    for a, b in zip(first, second, strict=True):
        assert a.keys() == b.keys() == {"content", "style"}
        for key in a:
            assert torch.equal(a[key], b[key])


def test_sample_depends_only_on_its_index(data: TrainingData) -> None:
    sample = data[Draw(2, 1)]
    assert sample["content"].shape == (3, 19, 19)  # what fades included
    assert sample["style"].shape == (3, 12, 12)
    assert_same([sample], [data[Draw(2, 1)]])
    for other in (Draw(3, 1), Draw(2, 0)):
        assert not torch.equal(data[other]["content"], sample["content"])
        assert not torch.equal(data[other]["style"], sample["style"])


def test_the_seed_changes_crops_and_patches(data: TrainingData) -> None:
    sample = data[Draw(0, 0)]
    data.seed = 4
    assert not torch.equal(data[Draw(0, 0)]["content"], sample["content"])
    assert not torch.equal(data[Draw(0, 0)]["style"], sample["style"])


def test_style_options_do_not_change_photo_crops(data: TrainingData) -> None:
    sample = data[Draw(1, 3)]
    data.patch_size = 8
    assert torch.equal(data[Draw(1, 3)]["content"], sample["content"])


def test_strengths_are_1_for_half_of_the_photos_and_spread_over_the_range(data: TrainingData) -> None:
    sample = data[Draw(0, 0)]
    data.max_strength = 1.5
    assert torch.equal(data[Draw(0, 0)]["content"], sample["content"])
    strengths = torch.stack([data[Draw(epoch, i)]["strength"] for epoch in range(80) for i in range(5)])
    assert data[Draw(2, 3)]["strength"] == data[Draw(2, 3)]["strength"]
    others = strengths[strengths != 1]
    assert 0.4 < len(others) / len(strengths) < 0.6
    assert 0 <= others.min() < 0.1
    assert 1.4 < others.max() <= 1.5
    assert others.mean() == pytest.approx(0.75, abs=0.1)
    assert batches(data, 1)[0]["strength"].dtype == torch.float32


def test_batches_span_epochs(data: TrainingData) -> None:
    for batch in batches(data, 4):
        assert batch["content"].shape == (4, 3, 19, 19)
        assert batch["style"].shape == (4, 3, 12, 12)
    assert batches(data, 1, batch_size=12)[0]["content"].shape == (12, 3, 19, 19)


def test_workers_do_not_change_the_batches(data: TrainingData) -> None:
    assert_same(batches(data, 5), batches(data, 5, workers=2))


@pytest.mark.parametrize("workers", [0, 2])
def test_resuming_continues_with_the_next_sample(data: TrainingData, workers: int) -> None:
    assert_same(batches(data, 5)[2:], batches(data, 3, start=8, workers=workers))


def test_two_ranks_see_what_one_process_sees(data: TrainingData) -> None:
    even, odd = (batches(data, 3, batch_size=2, rank=rank, world_size=2, start=4) for rank in range(2))
    for first, second, one in zip(even, odd, batches(data, 3, start=4), strict=True):
        for key in one:
            # ranks take turns: interleave their samples
            both = torch.stack([first[key], second[key]], dim=1).flatten(0, 1)
            assert torch.equal(both, one[key])


@pytest.mark.parametrize("workers", [0, 2])
def test_global_random_states_are_neither_used_nor_changed(data: TrainingData, workers: int) -> None:
    torch.manual_seed(1)
    expected = batches(data, 2, workers=workers)
    torch.manual_seed(2)
    np.random.seed(2)
    random.seed(2)
    states = torch.get_rng_state(), np.random.get_state(legacy=False)["state"], random.getstate()
    assert_same(batches(data, 2, workers=workers), expected)
    assert torch.equal(torch.get_rng_state(), states[0])
    np.testing.assert_equal(np.random.get_state(legacy=False)["state"], states[1])
    assert random.getstate() == states[2]


def test_workers_leave_the_process_group(data: TrainingData) -> None:
    data.content = ProcessGroup(os.getpgrp())
    assert batches(data, 1)[0]["content"].mean() == 1
    assert batches(data, 1, workers=1)[0]["content"].mean() == 0


def test_training_data_can_be_pickled(data: TrainingData) -> None:
    copy = pickle.loads(pickle.dumps(data))
    assert_same([copy[Draw(1, 1)]], [data[Draw(1, 1)]])


def test_crop_scales_set_how_much_of_a_photo_is_seen(tmp_path: Path) -> None:
    """The crop of a ramp from black to white spans as much of it as a crop spans of the photo."""
    (tmp_path / "photos").mkdir()
    ramp = np.broadcast_to(np.arange(240, dtype=np.uint8)[:, None, None], (240, 240, 3))
    Image.fromarray(np.ascontiguousarray(ramp)).save(tmp_path / "photos" / "ramp.png")
    style = StyleImages(tmp_path / "photos" / "ramp.png")
    for scale in (1.0, 2.0, 4.0):
        data = TrainingData(
            FolderImages(tmp_path / "photos"),
            style,
            image_size=64,
            patch_size=None,
            style_size=64,
            seed=3,
            crop_scales=(scale, scale),
        )
        crop = data[Draw(0, 0)]["content"]
        assert float(crop.max() - crop.min()) == pytest.approx(240 / 255 / scale, rel=0.05)
