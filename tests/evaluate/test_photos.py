from pathlib import Path

import pytest

from ganstyle.errors import DataError, GanstyleError
from ganstyle.evaluate import choose_photos


def test_all_or_some_spread_over_the_names(photos: Path) -> None:
    everything = choose_photos(photos)
    assert [path.name for path in everything] == ["a.png", "b.jpg", "c.png"]
    assert choose_photos(photos, 99) == everything
    assert choose_photos(photos, 2) == everything[:2]
    assert choose_photos(photos, 1) == everything[:1]


def test_spread_evenly(tmp_path: Path, photos: Path) -> None:
    for number in range(10):
        (tmp_path / f"{number}.png").write_bytes((photos / "a.png").read_bytes())
    assert [path.stem for path in choose_photos(tmp_path, 4)] == ["0", "2", "5", "7"]


def test_nothing_to_choose_from(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no image files"):
        choose_photos(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        choose_photos(tmp_path / "none")
    with pytest.raises(GanstyleError, match="give at least 1"):
        choose_photos(tmp_path, 0)
