import errno
import pickle
import shutil
import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganstyle.data import folder
from ganstyle.data.fault_tolerance import PATIENCE
from ganstyle.data.folder import FolderImages, scan_folder
from ganstyle.errors import DataError, ImageError
from ganstyle.images import check_image, read_image


def write_noise(path: Path, height: int, width: int, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def write_text(path: Path) -> None:
    path.write_text("this is no photo\n" * 100)


def write_truncated(path: Path) -> None:
    write_noise(path, 64, 64)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def write_huge_header(path: Path) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)


def test_images_of_subfolders_in_order(tmp_path: Path) -> None:
    write_noise(tmp_path / "b.png", 5, 7, seed=1)
    write_noise(tmp_path / "a" / "c.jpg", 6, 4, seed=2)
    images = FolderImages(tmp_path)
    assert images.paths == [tmp_path / "a" / "c.jpg", tmp_path / "b.png"]
    assert len(images) == 2
    assert images[1].shape == (3, 5, 7)
    assert torch.equal(images[0], read_image(tmp_path / "a" / "c.jpg")[0])


def test_bad_files_are_skipped_with_one_warning(tmp_path: Path) -> None:
    write_text(tmp_path / "text.jpg")
    write_huge_header(tmp_path / "huge.png")
    write_noise(tmp_path / "one.png", 1, 1)
    write_noise(tmp_path / "good.png", 9, 9)
    with pytest.warns(UserWarning, match=r"skipped 2 of 4 .*huge\.png, text\.jpg$") as caught:
        images = FolderImages(tmp_path)
    assert len(caught) == 1
    assert [path.name for path in images.paths] == ["good.png", "one.png"]
    assert images[1].shape == (3, 1, 1)


def test_only_the_first_names_are_listed(tmp_path: Path) -> None:
    for name in "abcde":
        write_text(tmp_path / f"{name}.jpg")
    write_noise(tmp_path / "good.png", 3, 3)
    with pytest.warns(UserWarning, match=r"skipped 5 of 6 .*: a\.jpg, b\.jpg, c\.jpg, \.\.\.$"):
        scan_folder(tmp_path)


def test_a_truncated_file_is_replaced_by_the_next(tmp_path: Path) -> None:
    write_truncated(tmp_path / "a.jpg")
    write_noise(tmp_path / "b.png", 8, 9)
    images = FolderImages(tmp_path)
    assert len(images) == 2
    with pytest.warns(UserWarning, match=r"a\.jpg") as caught:
        first = images[0]
    assert len(caught) == 1
    assert torch.equal(first, images[1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(images[0], first)


def test_a_file_deleted_meanwhile_is_replaced(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_noise(tmp_path / f"{name}.png", 4, 4)
    images = FolderImages(tmp_path)
    (tmp_path / "b.png").unlink()
    with pytest.warns(UserWarning, match="no such file"):
        assert torch.equal(images[1], images[0])


def test_missing_empty_and_useless_folders_are_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        FolderImages(tmp_path / "missing")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match="holds no image files"):
        FolderImages(tmp_path)
    write_text(tmp_path / "text.jpg")
    with pytest.raises(DataError, match=r"none of its 1 images can be read.*text\.jpg") as caught:
        FolderImages(tmp_path)
    assert "\n" not in str(caught.value)


def test_survives_pickling(tmp_path: Path) -> None:
    write_noise(tmp_path / "a.png", 4, 6)
    images = FolderImages(tmp_path)
    copy = pickle.loads(pickle.dumps(images))
    assert torch.equal(copy[0], images[0])


def test_folder_that_is_gone_for_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PATIENCE, "disk", 20.0)
    photos = tmp_path / "photos"
    write_noise(photos / "sub" / "a.png", 4, 6)
    images = FolderImages(photos)
    expected = images[0]
    photos.rename(tmp_path / "away")
    threading.Timer(0.5, (tmp_path / "away").rename, [photos]).start()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(images[0], expected)


def test_empty_mount_point_is_a_lost_disk(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for name in "abc":
        write_noise(photos / f"{name}.png", 4, 6)
    images = FolderImages(photos)
    for path in images.paths:
        path.unlink()
    with pytest.raises(
        DataError, match=r"photos: cannot be reached, after .*make the disk available"
    ) as caught:
        images[0]
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_deleted_subfolder_is_skipped(tmp_path: Path) -> None:
    write_noise(tmp_path / "old" / "a.png", 4, 6)
    write_noise(tmp_path / "new" / "b.png", 4, 6)
    images = FolderImages(tmp_path)
    shutil.rmtree(tmp_path / "old")
    with pytest.warns(UserWarning, match=r"a\.png: no such file \(skipped"):
        assert torch.equal(images[1], images[0])


def test_header_that_cannot_be_read_for_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "ab":
        write_noise(tmp_path / f"{name}.png", 4, 6)
    failed: list[Path] = []

    def check(path: Path) -> tuple[int, int]:
        if path.name == "b.png" and len(failed) < 2:
            failed.append(path)
            raise ImageError(f"{path}: damaged") from OSError(errno.EIO, "Input/output error")
        return check_image(path)

    monkeypatch.setattr(folder, "check_image", check)
    monkeypatch.setitem(PATIENCE, "read", 5.0)
    assert [path.name for path in scan_folder(tmp_path)] == ["a.png", "b.png"]


def test_link_to_nothing_is_skipped_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_noise(tmp_path / "a.png", 4, 6)
    (tmp_path / "b.png").symlink_to(tmp_path / "missing.png")
    monkeypatch.setattr(folder, "sleep", lambda seconds: pytest.fail("waited"))
    with pytest.warns(UserWarning, match=r"skipped 1 of 2 .*b\.png"):
        assert [path.name for path in scan_folder(tmp_path)] == ["a.png"]
