import errno
import math
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ganstyle import files
from ganstyle.errors import DiskFullError, GanstyleError
from ganstyle.files import (
    atomic_write,
    check_file,
    check_writable,
    expand_user,
    file_identity,
    is_stream,
    null_not_finite,
    own_descriptor,
    sha256,
    shipped_folder,
)


def test_atomic_write_creates_the_folder(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "out.txt"
    with atomic_write(target) as temporary:
        assert temporary.parent == target.parent
        assert not target.exists()
        temporary.write_text("new")
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


def test_atomic_write_replaces_only_on_success(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")

    def fail_half_way() -> None:
        with atomic_write(target) as temporary:
            temporary.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_half_way()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_full_disk_is_one_line(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"

    def fill_the_disk() -> None:
        with atomic_write(target) as temporary:
            temporary.write_text("half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(DiskFullError, match=r"No space left on device.*free some space") as caught:
        fill_the_disk()
    assert "\n" not in str(caught.value)
    assert str(target) in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_folder_in_place_of_the_file(tmp_path: Path) -> None:
    target = tmp_path / "taken"
    target.mkdir()
    with pytest.raises(GanstyleError, match="taken"), atomic_write(target) as temporary:
        temporary.write_text("x")
    assert list(tmp_path.iterdir()) == [target]


def test_sha256_of_known_content(tmp_path: Path) -> None:
    path = tmp_path / "abc"
    path.write_bytes(b"abc")  # the first example of FIPS 180-2
    assert sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def write(path: Path, content: str) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(content)


@pytest.mark.parametrize("name", ["a" * 255, "画" * 85, "ж" * 125 + ".png", "x" * 246 + ".json"])
def test_atomic_write_of_the_longest_names(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, "x")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_name_too_long_is_not_reported_as_full_disk(tmp_path: Path) -> None:
    with pytest.raises(GanstyleError, match="choose a shorter name") as caught:
        write(tmp_path / ("a" * 256), "x")
    assert not isinstance(caught.value, DiskFullError)
    assert list(tmp_path.iterdir()) == []


def test_atomic_write_follows_links(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    for name in ("old", "new"):
        (tmp_path / name).symlink_to(tmp_path / "real" / name)
    (tmp_path / "real" / "old").write_text("old")
    for name in ("old", "new"):
        write(tmp_path / name, "written")
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / "real" / name).read_text() == "written"


# Streams


def test_device_files_are_written_in_place(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(os.devnull)
    for path in (Path(os.devnull), link):
        assert is_stream(path)
        check_file(path, force=False)
        write(path, "x")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    assert link.is_symlink()
    with pytest.raises(GanstyleError, match=r"/dev/full: cannot be written \(No space"):
        write(Path("/dev/full"), "x")


def test_pipe_is_written(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[str] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_text()))
    reader.start()
    check_file(pipe, force=False)
    write(pipe, "content")
    reader.join(10)
    assert received == ["content"]
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_file_descriptor_is_written_at_its_position(tmp_path: Path) -> None:
    """As with ``>(…)``, or with ``/dev/stdout`` when the shell has opened a file for it."""
    with (tmp_path / "log").open("w+") as log:
        log.write("before ")
        log.flush()
        path = Path(f"/dev/fd/{log.fileno()}")
        link = tmp_path / "link"
        link.symlink_to(path)
        assert own_descriptor(path) == own_descriptor(link) == log.fileno()
        check_file(link, force=False)
        write(path, "within ")
        write(link, "after")
        log.seek(0)
        assert log.read() == "before within after"
    assert not is_stream(path)


def test_descriptor_of_another_process_is_appended_to(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("before ")
    with (tmp_path / "log").open("a") as log:
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=log)
        try:
            path = Path(f"/proc/{child.pid}/fd/1")
            assert is_stream(path)
            assert own_descriptor(path) is None
            write(path, "after")
        finally:
            child.communicate(b"\n")
    assert (tmp_path / "log").read_text() == "before after"


def test_read_only_descriptor_is_refused(tmp_path: Path) -> None:
    (tmp_path / "input").touch()
    with (tmp_path / "input").open() as file:
        path = Path(f"/dev/fd/{file.fileno()}")
        with pytest.raises(GanstyleError, match="may not be written to"):
            check_file(path, force=True)
    with pytest.raises(GanstyleError, match="choose another output"):
        check_file(path, force=True)


# Checks before the work


def test_check_file(tmp_path: Path) -> None:
    check_file(tmp_path / "new" / "out.json", force=False)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "missing" / "file")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    check_file(tmp_path / "old", force=True)
    check_file(tmp_path / "dangling", force=False)
    for path, problem in (
        (tmp_path / "old", "exists already; use --force"),
        (tmp_path, "is a folder"),
        (tmp_path / "old" / "out", "is a file, not a folder"),
        (tmp_path / ("a" * 256), "choose a shorter name"),
        (tmp_path / ("a" * 256) / "out", "choose a shorter name"),
        (tmp_path / "loop", "symbolic links"),
    ):
        with pytest.raises(GanstyleError, match=problem) as caught:
            check_file(path, force=False)
        assert str(caught.value).startswith(f"{path}: ")


def test_check_writable_probes_the_folder() -> None:
    with pytest.raises(GanstyleError, match="may not be written to"):
        check_writable("/proc/self/out")


def test_file_identity(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "hard").hardlink_to(tmp_path / "a")
    (tmp_path / "soft").symlink_to("a")
    (tmp_path / "folder").symlink_to(tmp_path)
    same = [
        tmp_path / "a",
        tmp_path / "hard",
        tmp_path / "soft",
        tmp_path / "folder" / "a",
        tmp_path / "x/../a",
    ]
    assert len({file_identity(path) for path in same}) == 1
    missing = [tmp_path / "b" / "c", tmp_path / "folder" / "b" / "c", tmp_path / "b" / "d" / ".." / "c"]
    assert len({file_identity(path) for path in missing}) == 1
    assert file_identity(tmp_path / "B") != file_identity(tmp_path / "b") != file_identity(tmp_path / "a")


def test_file_identity_where_case_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_ignores_case", lambda folder: True)
    assert file_identity(tmp_path / "B.png") == file_identity(tmp_path / "b.PNG")
    assert file_identity(tmp_path / "\u00e9") == file_identity(tmp_path / "e\u0301")


# The shipped files


@pytest.mark.parametrize("project", ["ganstyle", "another", None])
def test_shipped_folder_ignores_those_of_other_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: str | None
) -> None:
    monkeypatch.setattr(files, "__file__", str(tmp_path / "ganstyle" / "files.py"))
    (tmp_path / "checkpoints").mkdir()
    if project:
        (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "{project}"\n')
    inside = tmp_path / "ganstyle" / "checkpoints"
    assert shipped_folder() == (tmp_path / "checkpoints" if project == "ganstyle" else inside)


def test_null_non_finite_numbers() -> None:
    values = {"a": [1, 2.5, math.nan], "b": (math.inf, None, "inf"), "c": {"d": -math.inf}, "e": True}
    assert null_not_finite(values) == {
        "a": [1, 2.5, None],
        "b": [None, None, "inf"],
        "c": {"d": None},
        "e": True,
    }


def test_expand_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert expand_user("~/a") == Path("/home/somebody/a")
    assert expand_user("~nobody-of-this-name/a") == Path("~nobody-of-this-name/a")
    assert expand_user("a/~") == Path("a/~")
