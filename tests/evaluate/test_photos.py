from pathlib import Path

import pytest
import torch

from ganstyle.errors import DataError, GanstyleError
from ganstyle.evaluate import choose_photos
from ganstyle.images import read_image, write_image


def test_choose_all_or_evenly_spaced_photos(photos: Path) -> None:
    everything = choose_photos(photos).photos
    assert [path.name for path in everything] == ["a.png", "b.jpg", "c.png"]
    assert choose_photos(photos, 99).photos == everything
    assert choose_photos(photos, 2).photos == everything[:2]
    assert choose_photos(photos, 1).photos == everything[:1]


def test_choices_are_evenly_spaced(tmp_path: Path, photos: Path) -> None:
    for number in range(10):
        (tmp_path / f"{number}.png").write_bytes((photos / "a.png").read_bytes())
    assert [path.stem for path in choose_photos(tmp_path, 4).photos] == ["0", "2", "5", "7"]


def test_folder_without_photos_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no image files"):
        choose_photos(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        choose_photos(tmp_path / "none")
    with pytest.raises(GanstyleError, match="give at least 1"):
        choose_photos(tmp_path, 0)


@pytest.fixture
def with_broken(tmp_path: Path, photos: Path) -> Path:
    """Ten photos, of which one has no good header, one breaks off, and one is but a line."""
    content = (photos / "a.png").read_bytes()
    for number in range(10):
        (tmp_path / f"{number}.png").write_bytes(content)
    (tmp_path / "2.png").write_bytes(b"not a PNG")
    (tmp_path / "5.png").write_bytes(content[: len(content) // 2])
    write_image(torch.rand(3, 1, 40), tmp_path / "7.png")
    return tmp_path


def test_truncated_photo_and_broken_header_are_skipped_alike(with_broken: Path) -> None:
    chosen = choose_photos(with_broken)
    assert [path.stem for path in chosen.photos] == ["0", "1", "3", "4", "6", "8", "9"]
    assert [Path(text.partition(":")[0]).name for text in chosen.skipped] == ["2.png", "5.png", "7.png"]
    assert all("\n" not in text for text in chosen.skipped)
    assert "too narrow" in chosen.skipped[2]


def test_broken_photo_is_replaced_by_another(with_broken: Path) -> None:
    chosen = choose_photos(with_broken, 4)
    assert len(chosen.photos) == 4
    assert not {"2", "5", "7"} & {path.stem for path in chosen.photos}
    assert len(choose_photos(with_broken, 99).photos) == 7


def test_no_readable_photo_is_an_error(tmp_path: Path, photos: Path) -> None:
    content = (photos / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[: len(content) // 2])
    (tmp_path / "b.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"none of the 2 pictures or .*; the first: .*a\.png"):
        choose_photos(tmp_path)


def test_unsupported_formats_and_unreadable_folders_are_reported(tmp_path: Path, photos: Path) -> None:
    content = (photos / "a.png").read_bytes()
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.png").write_bytes(content)
    (tmp_path / "b.png").symlink_to(tmp_path / "more" / "a.png")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "phone.heic").write_bytes(b"ftypheic")
    (tmp_path / "raw.CR2").write_bytes(b"II*")
    chosen = choose_photos(tmp_path, 2)
    assert len(chosen.photos) == 2
    assert [Path(text.partition(":")[0]).name for text in chosen.skipped] == ["phone.heic", "raw.CR2"]


def test_photo_too_large_for_the_memory_is_skipped(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.png", "huge.png"):
        (tmp_path / name).write_bytes((photos / "a.png").read_bytes())

    def short_of_memory(path: Path) -> torch.Tensor:
        if path.name == "huge.png":
            raise MemoryError
        return read_image(path)

    monkeypatch.setattr("ganstyle.metrics.evaluator.read_image", short_of_memory)
    chosen = choose_photos(tmp_path)
    assert [path.name for path in chosen.photos] == ["a.png"]
    assert "there is not enough memory; leave it out" in chosen.skipped[0]
