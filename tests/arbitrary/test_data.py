from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganstyle.arbitrary.data import Paintings, PairData, change_colors, crop_painting, find_held_out
from ganstyle.data.folder import FolderImages
from ganstyle.data.sampler import Draw
from ganstyle.errors import DataError
from ganstyle.images import write_image


def pairs(photos: Path, paintings: Path, **changes: Any) -> PairData:
    keywords: dict[str, Any] = {
        "image_size": 16,
        "style_size": 32,
        "scales": (0.5, 1.0),
        "colors": 0.5,
        "identity": 0.0,
        "seed": 0,
    }
    return PairData(FolderImages(photos), Paintings(paintings), **keywords | changes)


def test_pair_depends_only_on_its_index(photos: Path, paintings: Path) -> None:
    data = pairs(photos, paintings)
    torch.manual_seed(0)
    first = [data[Draw(epoch, index)] for epoch in range(4) for index in range(3)]
    torch.manual_seed(1)
    again = [data[Draw(epoch, index)] for epoch in range(4) for index in range(3)]
    for one, two in zip(first, again, strict=True):
        for key in ("content", "style"):
            assert torch.equal(one[key], two[key])
            assert one[key].shape == {"content": (3, 19, 19), "style": (3, 16, 16)}[key]
            assert one[key].dtype == torch.float32
            assert one[key].min() >= 0
            assert one[key].max() <= 1
    assert len({float(pair["style"].mean()) for pair in first}) == 12
    other = pairs(photos, paintings, seed=1)[Draw(0, 0)]
    assert not torch.equal(other["style"], first[0]["style"])


def test_identity_pairs(photos: Path, paintings: Path) -> None:
    """Half of them show a photo, half a painting."""
    data, plain = pairs(photos, paintings, identity=1.0), pairs(photos, paintings)
    draws = [Draw(epoch, 0) for epoch in range(20)]
    for draw in draws:
        torch.testing.assert_close(data[draw]["content"][:, 2:18, 2:18], data[draw]["style"])
    shown = [torch.equal(data[draw]["content"], plain[draw]["content"]) for draw in draws]
    assert 4 < sum(shown) < 16


def test_change_colors_keeps_the_shape_and_the_range() -> None:
    crop, changed = torch.rand(3, 9, 9), []
    for seed in range(20):
        changed.append(change_colors(crop, np.random.default_rng(seed)))
        assert changed[-1].shape == crop.shape
        assert changed[-1].min() >= 0
        assert changed[-1].max() <= 1
    assert len({float(image.mean()) for image in changed}) == 20
    assert torch.equal(changed[3], change_colors(crop, np.random.default_rng(3)))


@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 5, 200), (3, 300, 40)])
def test_crop_painting_of_any_size(shape: tuple[int, ...]) -> None:
    crop = crop_painting(torch.rand(shape), 24, 48, (0.25, 1.0), np.random.default_rng(0))
    assert crop.shape == (3, 24, 24)


def test_held_out_paintings_are_not_trained_on(paintings: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    write_image(torch.rand(1, 3, 8, 8), copy / "hals_one.png")
    held_out = find_held_out(paintings, ["klee_*", str(copy)])
    assert [path.name for path in held_out] == ["klee_one.png", "klee_two.png", "hals_one.png"]
    left = Paintings(paintings, held_out)
    assert [path.name for path in left.paths] == ["hals_two.png"]
    assert len(left) == 1
    assert left[0].shape == (3, 40, 52)


def test_held_out_by_file_and_by_name(paintings: Path) -> None:
    one = str(paintings / "hals_one.png")
    assert find_held_out(paintings, [one, "hals_one", "hals_one.png"]) == [Path(one)]
    assert find_held_out(paintings, []) == []


def test_invalid_held_out_is_refused(paintings: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"style.held_out monet_\*: neither a file"):
        find_held_out(paintings, ["monet_*"])
    with pytest.raises(DataError, match="no such folder"):
        find_held_out(tmp_path / "none", [])
    with pytest.raises(DataError, match="leave some for training"):
        Paintings(paintings, find_held_out(paintings, ["*"]))


def test_crop_scales_set_how_much_of_a_photo_is_seen(tmp_path: Path, paintings: Path) -> None:
    (tmp_path / "photos").mkdir()
    write_image(
        torch.linspace(0, 1, 240)[None, None, :, None].expand(1, 3, 240, 240),
        tmp_path / "photos" / "ramp.png",
    )
    for scale in (1.0, 2.0, 4.0):
        data = pairs(tmp_path / "photos", paintings, image_size=64, crop_scales=(scale, scale))
        crop = data[Draw(0, 0)]["content"]
        assert float(crop.max() - crop.min()) == pytest.approx(1 / scale, rel=0.05)
