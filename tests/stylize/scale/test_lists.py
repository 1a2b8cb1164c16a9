"""Lists of photos: one path a line, of any name, and results that never leave the output folder."""

import os
from pathlib import Path

import pytest

from ganstyle.errors import GanstyleError
from ganstyle.stylize import plan_outputs
from ganstyle.stylize.scale.lists import is_list, read_list


def write_list(path: Path, *names: bytes | str, end: bytes = b"\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(os.fsencode(name) + end for name in names))
    return path


def test_paths_are_relative_to_the_list(tmp_path: Path) -> None:
    photos = write_list(tmp_path / "in" / "photos.txt", "a.png", "sub/b.jpg", "sub/../c.tif", "./d.png")
    assert list(read_list(photos)) == [
        (tmp_path / "in" / "a.png", Path("a.png")),
        (tmp_path / "in" / "sub" / "b.jpg", Path("sub/b.jpg")),
        (tmp_path / "in" / "sub" / ".." / "c.tif", Path("c.tif")),
        (tmp_path / "in" / "d.png", Path("d.png")),
    ]
    outputs = [file.output for file in plan_outputs([photos], tmp_path / "out")]
    assert outputs == [tmp_path / "out" / name for name in ("a.png", "sub/b.jpg", "c.png", "d.png")]


@pytest.mark.parametrize(
    "name", ["../other/a.png", "/etc/a.png", "../../../../../../../b.png", "x/../../a.png"]
)
def test_outputs_never_leave_the_folder(tmp_path: Path, name: str) -> None:
    photos = write_list(tmp_path / "in" / "photos.txt", name, "a.png")
    first, second = plan_outputs([photos], tmp_path / "out")
    assert ".." not in first.output.parts
    assert first.output.resolve().is_relative_to(tmp_path / "out")
    assert first.output != second.output == tmp_path / "out" / "a.png"
    assert first.source == tmp_path / "in" / name


def test_link_out_of_the_output_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").symlink_to(tmp_path)
    (file,) = plan_outputs([write_list(tmp_path / "photos.txt", "sub/a.png")], tmp_path / "out")
    assert "a link leads out of" in file.problem


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\0"])
def test_list_line_endings_and_unusual_names(tmp_path: Path, end: bytes) -> None:
    names = [
        b"\xff\xfe caf\xe9.png",
        b"\x1b[2J\x07.png",
        b" .png",
        b"#1.png",
        b"a" * 251 + b".png",
        b"~/b.png",
    ]
    if end == b"\0":
        names.append(b"two\nlines.png")
    found = list(read_list(write_list(tmp_path / "l.txt", *names, b"", end=end)))
    assert [os.fsencode(place) for _, place in found] == names


def test_list_without_final_newline_and_with_bom(tmp_path: Path) -> None:
    (tmp_path / "l.lst").write_bytes(b"\xef\xbb\xbfa.png\n\nb.png")
    assert [str(place) for _, place in read_list(tmp_path / "l.lst")] == ["a.png", "b.png"]


@pytest.mark.parametrize("content", [b"", b"\n\r\n\n"])
def test_empty_list_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "l.txt").write_bytes(content)
    with pytest.raises(GanstyleError, match=r"l\.txt: names no photo; write one path a line"):
        plan_outputs([tmp_path / "l.txt"], tmp_path / "out")


def test_list_lines_that_name_no_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    photos = write_list(tmp_path / "l.txt", "sub", ".", "..", "/", "none/..")
    plan = plan_outputs([photos], tmp_path / "out")
    assert all("is a folder; list its photos" in file.problem for file in plan)


def test_is_list(photos: Path, tmp_path: Path) -> None:
    for name, content in (
        ("a.txt", b"BMW.jpg\n"),
        ("b.LST", b"P1010001.JPG"),
        ("c.list", b"\xff"),
        ("d.txt", b""),
    ):
        (tmp_path / name).write_bytes(content)
        assert is_list(tmp_path / name)
    (tmp_path / "photo.txt").write_bytes((photos / "a.png").read_bytes())
    (tmp_path / "a.png").write_bytes(b"a.png\n")
    (tmp_path / "folder.txt").mkdir()
    for name in ("photo.txt", "a.png", "folder.txt", "missing.txt"):
        assert not is_list(tmp_path / name)


def test_repeated_list_lines_are_stylized_once(tmp_path: Path) -> None:
    photos = write_list(
        tmp_path / "l.txt", "a.png", "a.png", "./a.png", str(tmp_path / "a.png"), "x/../a.png"
    )
    assert len(plan_outputs([photos], tmp_path / "out")) == 1


def test_list_to_a_single_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GanstyleError, match="is one image"):
        plan_outputs([write_list(tmp_path / "l.txt", "a.png")], tmp_path / "x.png")
