"""Shards of photos become shards of results: whole, continued after a kill, each photo once."""

import io
import os
import signal
import tarfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ganstyle.errors import DiskFullError, GanstyleError
from ganstyle.images import SavingOptions
from ganstyle.stylize import Controls, FileEvent
from ganstyle.stylize.plan import plan_shards
from ganstyle.stylize.scale.claims import Claims
from ganstyle.stylize.scale.content import ContentRecord, hash_settings
from ganstyle.stylize.scale.state import state_folder
from ganstyle.stylize.scale.workers import Worker
from tests.stylize.scale.shard_files import Invert, check, left, png, read, run, shard, statuses, write_tar


def test_shards_to_shards(tmp_path: Path) -> None:
    generator = Invert()
    events = run(generator, [shard(tmp_path / "in")], tmp_path / "out")
    assert statuses(events) == ["done"] * 8
    assert events[2].source == tmp_path / "in" / "0.tar" / "002.png"
    assert events[2].output == tmp_path / "out" / "0.tar" / "002.png"
    assert generator.painted == list(range(8))
    check(tmp_path / "out" / "0.tar")
    assert left(tmp_path / "out") == ["0.tar"]


def test_finished_shards_are_skipped(tmp_path: Path) -> None:
    shards = [shard(tmp_path / "in"), shard(tmp_path / "in", "1.tar", range(3))]
    run(Invert(), shards[:1], tmp_path / "out")
    events = run(Invert(), shards, tmp_path / "out")
    assert [(event.status, event.photos) for event in events] == [("skipped", 8), *[("done", 1)] * 3]
    again = Invert()
    run(again, shards, tmp_path / "out", overwrite=True)
    assert len(again.painted) == 11


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("harm", ["none", "cut", "junk"])
def test_shard_of_a_killed_run_is_continued(tmp_path: Path, harm: str) -> None:
    source = shard(tmp_path / "in")

    def die(red: int) -> None:
        if red == 5:
            os.kill(os.getpid(), signal.SIGKILL)

    process = os.fork()
    if process == 0:
        run(Invert(die), [source], tmp_path / "out")
        os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(process, 0)[1])
    (partial,) = (tmp_path / "out" / ".ganstyle").glob("*.partial")
    assert left(tmp_path / "out") == [f".ganstyle/{partial.name}"]
    kept = partial.stat().st_size // (6 * 512)  # three files a sample, each with a header
    assert 2 <= kept <= 5
    if harm == "cut":
        os.truncate(partial, kept * 6 * 512 - 700)
    elif harm == "junk":
        with partial.open("ab") as file:
            file.write(b"junk" * 300)
    generator = Invert()
    events = run(generator, [source], tmp_path / "out")
    assert generator.painted == list(range(kept - (harm == "cut"), 8))
    assert statuses(events) == ["done"] * len(generator.painted)
    check(tmp_path / "out" / "0.tar")
    assert left(tmp_path / "out") == ["0.tar"]


@pytest.mark.parametrize("change", ["photos", "settings", "format"])
def test_partial_shard_of_other_settings_is_redone(tmp_path: Path, change: str) -> None:
    source = shard(tmp_path / "in")

    def interrupt(red: int) -> None:
        if red == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Invert(interrupt), [source], tmp_path / "out")
    generator = Invert()
    if change == "photos":
        shard(tmp_path / "in", reds=range(10))
    options: dict[str, Any] = {"image_format": "webp"} if change == "format" else {}
    if change == "settings":
        options["controls"] = Controls(strength=0.5)
    run(generator, [source], tmp_path / "out", **options)
    assert generator.painted == list(range(10 if change == "photos" else 8))
    assert left(tmp_path / "out") == ["0.tar"]


@pytest.mark.parametrize("size", [0.5, 0.1, 0.25, 0.99, 1])
def test_shard_that_is_cut_off_is_one_line(tmp_path: Path, size: float) -> None:
    shards = [shard(tmp_path / "in"), shard(tmp_path / "in", "1.tar")]
    os.truncate(shards[0], round(8 * 6 * 512 * size))  # a quarter of it ends between two samples
    generator = Invert()
    events = run(generator, shards, tmp_path / "out")
    assert statuses(events) == ["failed", *["done"] * 8]
    assert events[0].message == f"{shards[0]}: is cut off or damaged; copy it again"
    assert left(tmp_path / "out") == ["1.tar"]
    assert len(generator.painted) == 8


@pytest.mark.parametrize("content", [b"", b"no tar file" * 100, None])
def test_file_that_is_not_a_shard_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "in" / "x.tar"
    path.parent.mkdir()
    if content is not None:
        path.write_bytes(content)
    (event,) = run(Invert(), [path], tmp_path / "out")
    assert event.status == "failed"
    assert event.message.startswith(f"{path}: ")
    assert "\n" not in event.message
    assert not (tmp_path / "out").exists()


def test_unreadable_shard_samples_are_skipped(tmp_path: Path) -> None:
    files = [
        ("a.jpg", png(1, format="JPEG")),
        ("b.jpg", b"no photo"),
        ("c.txt", b"no photo at all"),
        ("../d.png", png(2)),
        ("sub/e.TIF", png(3, format="TIFF")),
        ("sub/e.seg.png", png(4)),
        ("/f.png", png(5)),
        ("__meta__.json", b"{}"),
        ("README", b"words"),
    ]
    events = run(Invert(), [write_tar(tmp_path / "in" / "0.tar", files)], tmp_path / "out")
    assert statuses(events) == ["done", "failed", "failed", "failed", "done", "failed"]
    assert all(event.message.startswith(f"{event.source}: ") for event in events if event.status == "failed")
    assert [sorted(k for k in s if k[0] != "_") for s in read(tmp_path / "out" / "0.tar")] == [
        ["jpg"],
        ["png", "seg.png"],
    ]


def test_shard_result_format(tmp_path: Path) -> None:
    run(Invert(), [shard(tmp_path / "in")], tmp_path / "out", "webp")
    assert [sorted(k for k in s if k[0] != "_") for s in read(tmp_path / "out" / "0.tar")] == [
        ["json", "txt", "webp"]
    ] * 8


def test_animation_in_a_shard_is_said_to_be_one(tmp_path: Path) -> None:
    more = [Image.new("RGB", (6, 4), (red, 0, 0)) for red in (50, 90)]
    animation = png(7, format="GIF", save_all=True, append_images=more)
    source = write_tar(tmp_path / "in" / "0.tar", [("0.gif", animation), ("1.png", png(1))])
    events = run(Invert(), [source], tmp_path / "out")
    assert [event.note for event in events] == ["holds several pictures; only the first is painted", ""]


@pytest.mark.parametrize(
    ("names", "image_format", "expected"),
    [
        (["000.jpg", "000.png"], "png", ["000.jpg.png", "000.png"]),
        (["000.bmp", "000.png"], None, ["000.bmp.png", "000.png"]),
        (["000.TIF", "000.PNG", "000.tif.png"], None, ["000.TIF-2.png", "000.PNG", "000.tif.png"]),
        (["000.png", "000.webp"], "png", ["000.png", "000.webp"]),
    ],
)
def test_result_does_not_replace_a_file_of_its_sample(
    tmp_path: Path, names: list[str], image_format: str | None, expected: list[str]
) -> None:
    files = [(name, png(7) if name == names[0] else name.encode()) for name in names]
    events = run(Invert(), [write_tar(tmp_path / "in" / "0.tar", files)], tmp_path / "out", image_format)
    assert statuses(events) == ["done"]
    assert events[0].output == tmp_path / "out" / "0.tar" / expected[0]
    with tarfile.open(tmp_path / "out" / "0.tar") as tar:
        assert tar.getnames() == expected
        contents = [file.read() for file in map(tar.extractfile, tar.getmembers()) if file]
    assert contents[1:] == [name.encode() for name in names[1:]]
    with Image.open(io.BytesIO(contents[0])) as image:
        assert image.getpixel((0, 0)) == (248, 255, 255)


def test_files_of_one_name_are_kept(tmp_path: Path) -> None:
    files = [("000.png", png(7)), ("000.txt", b"first"), ("000.txt", b"second"), ("000.png", b"other")]
    run(Invert(), [write_tar(tmp_path / "in" / "0.tar", files)], tmp_path / "out")
    with tarfile.open(tmp_path / "out" / "0.tar") as tar:
        contents = [file.read() for file in map(tar.extractfile, tar.getmembers()) if file]
    assert contents[1:] == [b"first", b"second", b"other"]


def test_empty_shard(tmp_path: Path) -> None:
    assert run(Invert(), [write_tar(tmp_path / "in" / "0.tar", [])], tmp_path / "out") == []
    assert read(tmp_path / "out" / "0.tar") == []


def test_shard_names_of_any_length_and_bytes(tmp_path: Path) -> None:
    names = ["x" * 200 + "/" + "y" * 200 + ".png", "\udcff\udcfe.png", "\x1b[2J.png"]
    with tarfile.open(tmp_path / "0.tar", "w", encoding="utf-8", errors="surrogateescape") as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(png(7))
            tar.addfile(info, io.BytesIO(png(7)))
    events = run(Invert(), [tmp_path / "0.tar"], tmp_path / "out")
    assert statuses(events) == ["done"] * 3
    with tarfile.open(tmp_path / "out" / "0.tar") as tar:
        assert tar.getnames() == names


def test_workers_divide_shards(tmp_path: Path) -> None:
    shards = [shard(tmp_path / "in", f"{index}.tar", range(index * 4, index * 4 + 4)) for index in range(5)]
    shards[1].write_bytes(b"no tar file")
    generator, seen = Invert(), list[str]()
    claims = Claims(state_folder(tmp_path / "out") / "claims.lock")
    for rank in range(2):
        events = run(generator, shards, tmp_path / "out", worker=Worker(rank, 2), claims=claims)
        seen += statuses(events)
    claims.close()
    assert sorted(generator.painted) == [red for red in range(20) if red not in range(4, 8)]
    assert seen.count("done") == 16
    for index in (0, 2, 3, 4):
        check(tmp_path / "out" / f"{index}.tar", range(index * 4, index * 4 + 4))


def test_shards_by_content(tmp_path: Path) -> None:
    source = shard(tmp_path / "in")

    def go(image_format: str | None = None) -> list[FileEvent]:
        settings = hash_settings(
            Invert(), Controls(), trained_side=384, max_side=None, saving=SavingOptions()
        )
        record = ContentRecord(tmp_path / "out", settings)
        return run(Invert(), [source], tmp_path / "out", image_format, content=record)

    assert statuses(go()) == ["done"] * 8
    (again,) = go()
    assert (again.status, again.photos) == ("skipped", 8)
    shard(tmp_path / "in", reds=range(9))
    assert statuses(go()) == ["done"] * 9
    check(tmp_path / "out" / "0.tar", range(9))
    assert statuses(go("webp")) == ["done"] * 9
    assert all("webp" in sample for sample in read(tmp_path / "out" / "0.tar"))
    assert statuses(go("webp")) == ["skipped"]


def test_full_disk_leaves_no_finished_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = shard(tmp_path / "in")
    addfile = tarfile.TarFile.addfile

    def full(self: tarfile.TarFile, info: tarfile.TarInfo, content: Any = None) -> None:
        if info.name == "005.txt":
            raise OSError(28, "No space left on device")
        addfile(self, info, content)

    with monkeypatch.context() as context:
        context.setattr(tarfile.TarFile, "addfile", full)
        with pytest.raises(DiskFullError, match="No space left"):
            run(Invert(), [source], tmp_path / "out")
    assert not (tmp_path / "out" / "0.tar").exists()
    run(Invert(), [source], tmp_path / "out")
    check(tmp_path / "out" / "0.tar")


def test_shards_with_equal_names_or_replaced_inputs_are_refused(tmp_path: Path) -> None:
    first, second = shard(tmp_path / "a"), shard(tmp_path / "b")
    with pytest.raises(GanstyleError, match="would both be written"):
        plan_shards([first, second], tmp_path / "out")
    with pytest.raises(GanstyleError, match="is an input, which is never replaced"):
        plan_shards([first], tmp_path / "a")
    for name in ("out.png", "out.tar"):
        with pytest.raises(GanstyleError, match="name a folder"):
            plan_shards([first], tmp_path / name)
