import os
import pickle
import tarfile
from pathlib import Path

import pytest
import torch
from PIL import Image

from ganstyle.data import open_content
from ganstyle.errors import DataError


def write_shards(folder: Path, count: int, each: int) -> Path:
    """Write shards of gray photos, in which the level is the number; return their pattern."""
    folder.mkdir(exist_ok=True)
    for shard in range(count):
        with tarfile.open(folder / f"s-{shard}.tar", "w") as tar:
            for index in range(shard * each, shard * each + each):
                Image.new("RGB", (6 + index, 4), (index,) * 3).save(folder / "photo.png")
                tar.add(folder / "photo.png", f"{index:03}.png")
                (folder / "label").write_text("1")
                tar.add(folder / "label", f"{index:03}.cls")
    return folder / f"s-{{0..{count - 1}}}.tar"


def test_photos_of_all_shards_by_index(tmp_path: Path) -> None:
    images = open_content("webdataset", path=str(write_shards(tmp_path / "in", 3, 4)))
    assert len(images) == 12
    for source in (images, pickle.loads(pickle.dumps(images))):
        for index in (11, 0, 4, 3):
            assert source[index].shape == (3, 4, 6 + index)
            torch.testing.assert_close(source[index][0, 0, 0].item(), index / 255)


def test_shard_that_is_cut_off_is_left_out_with_a_warning(tmp_path: Path) -> None:
    pattern = write_shards(tmp_path / "in", 3, 4)
    cut = tmp_path / "in" / "s-1.tar"
    os.truncate(cut, cut.stat().st_size // 2)
    with pytest.warns(UserWarning, match=r"s-1\.tar: is cut off or damaged; copy it again \(left out\)"):
        images = open_content("webdataset", path=str(pattern))
    assert len(images) == 8
    assert images[4].shape == (3, 4, 14)


def test_shards_without_photos_are_one_line(tmp_path: Path) -> None:
    pattern = write_shards(tmp_path / "in", 2, 2)
    with pytest.raises(DataError, match=r"s-2\.tar: no such shard"):
        open_content("webdataset", path=str(tmp_path / "in" / "s-{0..2}.tar"))
    with pytest.raises(DataError, match="names no shard"):
        open_content("webdataset", path=str(tmp_path / "x-*.tar"))
    for shard in (tmp_path / "in").glob("*.tar"):
        shard.write_bytes(b"no tar")
    with (
        pytest.warns(UserWarning, match="not a tar file"),
        pytest.raises(DataError, match=r"none of its 2 shards holds a photo that can be read; the first: "),
    ):
        open_content("webdataset", path=str(pattern))


def test_damaged_photo_is_replaced_by_the_next(tmp_path: Path) -> None:
    pattern = write_shards(tmp_path / "in", 1, 3)
    path = tmp_path / "in" / "s-0.tar"
    images = open_content("webdataset", path=str(pattern))
    content = bytearray(path.read_bytes())
    start = content.index(b"\x89PNG")
    content[start : start + 60] = bytes(60)
    path.write_bytes(content)
    with pytest.warns(UserWarning, match=r"s-0\.tar: photo 0"):
        assert images[0].shape == (3, 4, 7)
