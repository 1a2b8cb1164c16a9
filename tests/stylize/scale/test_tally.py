from pathlib import Path

import pytest

from ganstyle.stylize import FileEvent, Status
from ganstyle.stylize.scale.tally import Parts, Tally, merge_records
from ganstyle.stylize.scale.workers import Worker


def record(*files: tuple[str, Status], lists_files: bool = True) -> dict[str, object]:
    tally = Tally("wave", lists_files)
    for index, (name, status) in enumerate(files, start=1):
        message = "" if status == "done" else f"{name}: why"
        tally.add(FileEvent(Path(name), Path("out", name), status, 0.5, message, index, len(files)))
    return tally.record()


def test_tally_counts_results_and_reasons() -> None:
    made = record(("a.png", "done"), ("b.png", "failed"), ("c.png", "skipped"))
    assert [made[key] for key in ("style", "done", "failed", "skipped")] == ["wave", 1, 1, 1]
    assert made["failures"] == [{"source": "b.png", "message": "b.png: why"}]
    assert isinstance(made["seconds"], float)
    assert isinstance(made["rate"], float)
    files = made["files"]
    assert isinstance(files, list)
    assert [file["status"] for file in files] == ["done", "failed", "skipped"]
    assert "files" not in record(("a.png", "done"), lists_files=False)


def test_photo_reported_by_two_processes_counts_once() -> None:
    merged = merge_records(
        [
            record(("a.png", "skipped"), ("b.png", "failed"), ("c.png", "skipped")),
            record(("a.png", "done"), ("b.png", "failed"), ("d.png", "done")),
        ]
    )
    assert [merged[key] for key in ("done", "failed", "skipped", "processes")] == [2, 1, 1, 2]
    assert [file["source"] for file in merged["files"]] == ["a.png", "b.png", "c.png", "d.png"]
    assert len(merged["failures"]) == 1


def test_last_process_merges_the_tallies(tmp_path: Path) -> None:
    parts = [Parts(tmp_path, Worker(rank, 3, launch="x")) for rank in range(3)]
    assert parts[1].add(record(("a.png", "done"))) is None
    assert parts[0].add(record(("b.png", "failed"))) is None
    merged = parts[2].add(record())
    assert merged is not None
    assert (merged["done"], merged["failed"], merged["processes"]) == (1, 1, 3)
    assert not list((tmp_path / ".ganstyle").glob("part*"))


@pytest.mark.parametrize("launch", ["x", "y"])
def test_tallies_of_a_killed_launch_are_ignored(tmp_path: Path, launch: str) -> None:
    Parts(tmp_path, Worker(1, 2, launch="x")).add(record(("old.png", "done")))
    parts = [Parts(tmp_path, Worker(rank, 2, launch=launch)) for rank in range(2)]
    assert parts[0].add(record(("a.png", "done"))) is None
    merged = parts[1].add(record(("b.png", "done")))
    assert merged is not None
    assert merged["done"] == 2
