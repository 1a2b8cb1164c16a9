"""Names that strangers chose: links, control characters, bytes that are not UTF-8, names of 255 bytes."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ganstyle.cli import app
from ganstyle.images import read_image
from ganstyle.stylize import plan_outputs

NAMES = [
    b"\xff\xfe caf\xe9.png",
    b"\x1b[2J\x07.png",
    b"two\nlines.png",
    b"-o.png",
    b"%s {0} $HOME `id`.png",
    b"a" * 251 + b".png",
    b"...png",
    b" .png",
    b"\xe2\x80\xaegnp.png",
]


@pytest.fixture
def photo(photos: Path) -> bytes:
    return (photos / "a.png").read_bytes()


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_photo_with_any_file_name(name: bytes, photo: bytes, make_style: object, tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    source = folder / os.fsdecode(name)
    source.write_bytes(photo)
    style = make_style()  # type: ignore[operator]
    result = CliRunner().invoke(app, ["stylize", "-s", str(style), "-o", str(output), "--", str(source)])
    assert result.exit_code == 0, result.output
    assert len(result.output.splitlines()) == 2
    assert not any(ord(character) < 32 for character in result.output.replace("\n", ""))
    assert [os.fsencode(path.name) for path in output.iterdir()] == [name]
    damaged = folder / os.fsdecode(b"b" + name[1:])
    damaged.write_bytes(b"no image")
    result = CliRunner().invoke(app, ["stylize", "-s", str(style), "-o", str(output), "--", str(damaged)])
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert not any(ord(character) < 32 for character in result.output.replace("\n", ""))


def test_result_link_out_of_the_folder_is_refused(photo: bytes, make_style: object, tmp_path: Path) -> None:
    folder, output, elsewhere = (tmp_path / name for name in ("in", "out", "elsewhere"))
    for each in (folder / "sub", folder / "deep", output, elsewhere):
        each.mkdir(parents=True)
    victim = elsewhere / "victim.png"
    victim.write_bytes(b"precious")
    for name in ("a.png", "b.png", "sub/c.png", "fine.png", "deep/d.png"):
        (folder / name).write_bytes(photo)
    (output / "a.png").symlink_to(victim)
    (output / "b.png").symlink_to(elsewhere / "new.png")
    (output / "sub").symlink_to(elsewhere)
    (output / "fine.png").symlink_to("other.png")
    plan = {file.source.name: file.problem for file in plan_outputs([folder], output)}
    assert [name for name, problem in plan.items() if problem] == ["a.png", "b.png", "c.png"]
    style = make_style()  # type: ignore[operator]
    result = CliRunner().invoke(app, ["stylize", str(folder), "-s", str(style), "-o", str(output), "--force"])
    assert result.exit_code == 1
    assert result.output.count("a link leads out of") == 3
    assert [path.name for path in elsewhere.iterdir()] == ["victim.png"]
    assert victim.read_bytes() == b"precious"
    assert read_image(output / "other.png").shape == read_image(output / "deep" / "d.png").shape


def test_output_folder_that_is_a_link(photo: bytes, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    (tmp_path / "a.png").write_bytes(photo)
    (file,) = plan_outputs([tmp_path / "in" / ".." / "a.png"], tmp_path / "out")
    assert (file.output, file.problem) == (tmp_path / "out" / "a.png", "")


def test_single_result_may_be_a_link(photo: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(photo)
    (tmp_path / "result.png").symlink_to(tmp_path / "far" / "b.png")
    (file,) = plan_outputs([tmp_path / "a.png"], tmp_path / "result.png")
    assert not file.problem
