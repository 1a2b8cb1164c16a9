import json
from pathlib import Path
from typing import Any

import pytest

from ganstyle.errors import GanstyleError
from ganstyle.reports import write_report_folder


def write(folder: Path, **options: Any) -> Path:
    given: dict[str, Any] = {"record": "it.json", "values": {"a": 1}, "files": {"images/a.png": b"a"}}
    return write_report_folder(folder, "<p>page</p>", **{**given, **options})


def test_report_folder_holds_page_record_and_files(tmp_path: Path) -> None:
    page = write(tmp_path / "new" / "report")
    assert page == tmp_path / "new" / "report" / "index.html"
    assert page.read_text() == "<p>page</p>"
    assert json.loads((page.parent / "it.json").read_text()) == {"a": 1}
    assert (page.parent / "images" / "a.png").read_bytes() == b"a"


def test_report_folder_that_is_not_empty_needs_force(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(GanstyleError, match="is not empty"):
        write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    write(tmp_path, force=True)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_page_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "it.json").mkdir()  # cannot be replaced by a file
    with pytest.raises(GanstyleError, match=r"it\.json: cannot be written"):
        write(tmp_path, force=True)
    assert not (tmp_path / "index.html").exists()
    assert not list(tmp_path.rglob("*.tmp"))


def test_numbers_that_are_not_finite_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write(tmp_path / "report", values={"a": float("nan")})
    assert not (tmp_path / "report").exists()
