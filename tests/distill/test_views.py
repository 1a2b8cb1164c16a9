from pathlib import Path

import numpy as np
import pytest
import torch

from ganstyle.data import StyleImages, open_content
from ganstyle.data.sampler import Draw
from ganstyle.distill import views
from ganstyle.distill.views import DistillationData, augment_view


@pytest.fixture
def data(photos: Path, painting: Path) -> DistillationData:
    return DistillationData(open_content("folder", path=photos), StyleImages(painting), size=16, seed=1)


def test_view_depends_only_on_its_index(data: DistillationData) -> None:
    first, again, later = data[Draw(0, 1)], data[Draw(0, 1)], data[Draw(1, 1)]
    assert set(first) == {"photo", "painting", "view"}
    for name, image in first.items():
        assert image.shape == (3, 16, 16)
        assert image.dtype == torch.float32
        assert torch.equal(image, again[name])
        assert not torch.equal(image, later[name])


def test_augmentation_ranges(data: DistillationData) -> None:
    for epoch in range(60):
        sample = data[Draw(epoch, epoch % len(data))]
        for name in ("photo", "painting"):
            assert float(sample[name].min()) >= 0
            assert float(sample[name].max()) <= 1
        assert float(sample["view"].min()) >= views.VIEW_MIN - 1e-6
        assert float(sample["view"].max()) <= views.VIEW_MAX + 1e-6


def test_views_come_from_photos_and_paintings(data: DistillationData) -> None:
    """Of the undisturbed views, some are the photo and some the painting."""
    samples = [data[Draw(epoch, 0)] for epoch in range(60)]
    assert any(torch.equal(s["view"], s["photo"]) for s in samples)
    assert any(torch.equal(s["view"], s["painting"]) for s in samples)


@pytest.mark.parametrize(
    "augment",
    [views._blend, views._shift_colors, views._change_contrast, views._flatten, views._replace_by_noise],
)
def test_every_augmentation_changes_the_image(augment: views.Augmentation) -> None:
    rng = np.random.default_rng(0)
    image, other = torch.rand(3, 16, 24), torch.rand(3, 16, 24)
    changed = augment(image, other, rng)
    assert changed.shape == image.shape
    assert changed.dtype == torch.float32
    assert not torch.equal(changed, image)


def test_some_views_are_flat_and_some_leave_the_range() -> None:
    rng = np.random.default_rng(0)
    image, other = torch.rand(3, 16, 16), torch.rand(3, 16, 16)
    seen = [augment_view(image, other, rng) for _ in range(200)]
    assert min(float(view.std(dim=(1, 2)).max()) for view in seen) < 0.1
    assert min(float(view.min()) for view in seen) < 0
    assert max(float(view.max()) for view in seen) > 1
