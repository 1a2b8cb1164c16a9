import os
from pathlib import Path

import pytest

from ganstyle.errors import ImageError
from ganstyle.images import READ_SUFFIXES, UNREADABLE_SUFFIXES, find_images


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def images_in(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in find_images(folder).images]


def test_find_images_is_recursive_and_sorted(tmp_path: Path) -> None:
    touch(tmp_path, "b.png", "a.JPG", "sub/c.webp", ".hidden.png", ".cache/d.png", "notes.txt", "e.tiff")
    (tmp_path / "folder.png").mkdir()
    assert images_in(tmp_path) == ["a.JPG", "b.png", "e.tiff", "sub/c.webp"]
    assert find_images(tmp_path).unreadable == []


def test_find_images_without_a_folder(tmp_path: Path) -> None:
    touch(tmp_path, "a.png")
    for path in (tmp_path / "missing", tmp_path / "a.png"):
        with pytest.raises(ImageError, match="no such folder"):
            find_images(path)
    (tmp_path / "empty").mkdir()
    assert find_images(tmp_path / "empty").images == []


@pytest.mark.parametrize(
    "suffix",
    [".jpe", ".JPE", ".mpo", ".jfif", ".jp2", ".j2k", ".jpf", ".apng", ".heic", ".HEIF", ".tga", ".ppm"],
)
def test_find_images_knows_rare_suffixes(tmp_path: Path, suffix: str) -> None:
    touch(tmp_path, f"a{suffix}")
    assert images_in(tmp_path) == [f"a{suffix}"]


@pytest.mark.parametrize(
    "suffix", [".heics", ".HEIFS", ".exr", ".jxl", ".psd", ".dng", ".cr2", ".svg", ".ico"]
)
def test_find_images_reports_unsupported_kinds(tmp_path: Path, suffix: str) -> None:
    touch(tmp_path, "a.png", f"sub/b{suffix}", f".hidden{suffix}")
    listing = find_images(tmp_path)
    assert listing.images == [tmp_path / "a.png"]
    (entry,) = listing.unreadable
    assert entry.path == tmp_path / "sub" / f"b{suffix}"
    assert str(entry) == (f"{entry.path}: '{suffix}' images cannot be read; convert it to JPEG, PNG or WebP")


def test_suffixes_are_supported_or_unsupported() -> None:
    assert not READ_SUFFIXES & UNREADABLE_SUFFIXES
    assert all(suffix == suffix.lower() for suffix in READ_SUFFIXES | UNREADABLE_SUFFIXES)


def test_find_images_follows_links(tmp_path: Path) -> None:
    touch(tmp_path, "elsewhere/a.png", "elsewhere/deep/b.png", "in/c.png", "single.png")
    (tmp_path / "in" / "link").symlink_to("../elsewhere")
    (tmp_path / "in" / "d.png").symlink_to(tmp_path / "single.png")
    (tmp_path / "in" / "broken.png").symlink_to("missing.png")
    assert images_in(tmp_path / "in") == ["broken.png", "c.png", "d.png", "link/a.png", "link/deep/b.png"]
    (tmp_path / "top").symlink_to("in")
    assert images_in(tmp_path / "top") == images_in(tmp_path / "in")


def test_find_images_lists_each_folder_once(tmp_path: Path) -> None:
    touch(tmp_path, "b/x.png", "b/c/y.png")
    (tmp_path / "a").symlink_to("b")  # before b in any order
    (tmp_path / "b" / "up").symlink_to("..")
    (tmp_path / "b" / "c" / "self").symlink_to(".")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "loop.png").symlink_to("loop.png")
    listing = find_images(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in listing.images] == [
        "b/c/y.png",
        "b/x.png",
        "loop.png",
    ]
    assert listing.unreadable == []


@pytest.fixture
def _closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make folders called ``closed`` unreadable, for root as well."""
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)


@pytest.mark.usefixtures("_closed")
def test_find_images_reports_folders_that_cannot_be_opened(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "closed/b.png", "sub/closed/c.png", "z.png")
    listing = find_images(tmp_path)
    assert listing.images == [tmp_path / "a.png", tmp_path / "z.png"]
    assert [entry.path for entry in listing.unreadable] == [tmp_path / "closed", tmp_path / "sub" / "closed"]
    assert "cannot be opened (Permission denied); check its permissions" in str(listing.unreadable[0])
    with pytest.raises(ImageError, match="closed: cannot be opened"):
        find_images(tmp_path / "closed")
