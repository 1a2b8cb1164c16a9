import errno
import os
import pickle
import shutil
import struct
import threading
import warnings
import zlib
from pathlib import Path
from typing import Any

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


def test_warning_lists_three_names(tmp_path: Path) -> None:
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


def test_folder_without_readable_image_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        FolderImages(tmp_path / "missing")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match="holds no image files"):
        FolderImages(tmp_path)
    write_text(tmp_path / "text.jpg")
    with pytest.raises(DataError, match=r"none of its 1 images can be read.*text\.jpg") as caught:
        FolderImages(tmp_path)
    assert "\n" not in str(caught.value)


def test_folder_content_can_be_pickled(tmp_path: Path) -> None:
    write_noise(tmp_path / "a.png", 4, 6)
    images = FolderImages(tmp_path)
    copy = pickle.loads(pickle.dumps(images))
    assert torch.equal(copy[0], images[0])


def test_missing_folder_is_retried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_unreadable_header_is_retried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_broken_link_is_skipped_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_noise(tmp_path / "a.png", 4, 6)
    (tmp_path / "b.png").symlink_to(tmp_path / "missing.png")
    monkeypatch.setattr(folder, "sleep", lambda seconds: pytest.fail("waited"))
    with pytest.warns(UserWarning, match=r"skipped 1 of 2 .*b\.png"):
        assert [path.name for path in scan_folder(tmp_path)] == ["a.png"]


def test_unreadable_kinds_are_reported(tmp_path: Path) -> None:
    write_noise(tmp_path / "a.jpe", 4, 6)
    write_noise(tmp_path / "b.mpo", 4, 6)
    write_noise(tmp_path / "c.jp2", 4, 6)
    (tmp_path / "sub").mkdir()
    for name in ("d.jxl", "sub/e.CR2", "sub/f.psd", "g.jxr"):
        (tmp_path / name).write_bytes(b"x" * 100)
    (tmp_path / "notes.txt").write_text("x")
    message = r"left out 4 unreadable images or folders: d\.jxl \('\.jxl' images cannot"
    with pytest.warns(UserWarning, match=message) as caught:
        assert [path.name for path in FolderImages(tmp_path).paths] == ["a.jpe", "b.mpo", "c.jp2"]
    assert len(caught) == 1
    assert "notes.txt" not in str(caught[0].message)


def test_only_unreadable_kinds_are_an_error(tmp_path: Path) -> None:
    for name in ("a.jxl", "b.jxl"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(
        DataError, match=r"none of the 2 .*a\.jxl: '\.jxl' images cannot .*convert it to JPEG"
    ):
        FolderImages(tmp_path)


@pytest.fixture
def closed_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that may not be listed, for root as well."""
    closed = tmp_path / "photos" / "closed"
    write_noise(closed / "b.png", 4, 6)
    write_noise(tmp_path / "photos" / "a.png", 4, 6)
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if Path(path) == closed:
            raise PermissionError(errno.EACCES, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    return closed


def test_folder_without_permission_is_reported(closed_folder: Path) -> None:
    with pytest.warns(UserWarning, match=r"left out 1 .*: closed \(cannot be opened \(Permission denied\)"):
        assert [path.name for path in FolderImages(closed_folder.parent).paths] == ["a.png"]


def test_content_folder_without_permission_is_an_error(closed_folder: Path) -> None:
    with pytest.raises(
        DataError, match=r"closed: cannot be opened \(Permission denied\); check its permissions"
    ):
        FolderImages(closed_folder)


def test_links_to_folders_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    write_noise(tmp_path / "disk" / "a.png", 4, 6)
    write_noise(tmp_path / "photos" / "b.png", 4, 6)
    (tmp_path / "photos" / "linked").symlink_to(tmp_path / "disk")
    (tmp_path / "photos" / "loop").symlink_to(tmp_path / "photos")
    (tmp_path / "disk" / "up").symlink_to(tmp_path / "photos")
    names = [str(path.relative_to(tmp_path / "photos")) for path in FolderImages(tmp_path / "photos").paths]
    assert names == ["b.png", "linked/a.png"]
