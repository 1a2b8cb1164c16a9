"""Collections on the command line: lists, several processes, continuing, and the sum in JSON."""

import json
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from ganstyle.cli import app
from ganstyle.images import read_image, write_image


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for seed in range(4):
        image = torch.rand(3, 20, 24, generator=torch.Generator().manual_seed(seed))
        write_image(image, tmp_path / "photos" / f"{seed}.png")
    return tmp_path / "photos"


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["stylize", *map(str, arguments)])


def results(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_stylize_list_of_photos(checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(f"photos/0.png\n{photos / '1.png'}\nphotos/../photos/2.png\n")
    result = invoke(tmp_path / "list.txt", "-s", checkpoint, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert results(tmp_path / "out") == [f"photos/{name}.png" for name in range(3)]


def test_list_that_names_a_missing_photo(checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("photos/0.png\nphotos/gone.png\nphotos/2.png\n")
    json_file = tmp_path / "sum.json"
    result = invoke(tmp_path / "list.txt", "-s", checkpoint, "-o", tmp_path / "out", "--json", json_file)
    assert result.exit_code == 1
    reason = f"{tmp_path / 'photos' / 'gone.png'}: no such file"
    assert result.stderr.splitlines() == [reason]
    record = json.loads(json_file.read_text())
    assert [record[key] for key in ("done", "failed", "skipped")] == [2, 1, 0]
    assert record["failures"] == [{"source": str(tmp_path / "photos" / "gone.png"), "message": reason}]
    rounding = 6e-4  # seconds have three decimals
    assert 2 / (record["seconds"] + rounding) <= record["rate"] <= 2 / (record["seconds"] - rounding)
    assert results(tmp_path / "out") == ["photos/0.png", "photos/2.png"]


def test_bad_lists_are_one_line(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "file").touch()
    (tmp_path / "list.txt").write_text("a.png\n")
    for arguments, message in (
        ((tmp_path / "empty.txt", "-o", tmp_path / "out"), "names no photo"),
        ((tmp_path / "none.txt", "-o", tmp_path / "out"), "no such file"),
        ((tmp_path / "list.txt", "-o", tmp_path / "out"), "no such file"),
        ((tmp_path / "list.txt", "-o", tmp_path / "file" / "out"), "is a file, not a folder"),
        ((tmp_path / "list.txt", "-o", "/proc/out"), "may not be written to"),
        (
            (tmp_path / "list.txt", "-o", tmp_path / "out", "--skip", "all"),
            "skip 'all': give name or content",
        ),
    ):
        result = invoke(*arguments, "-s", checkpoint)
        assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1), result.output
        assert message in result.stderr
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("skip", ["name", "content"])
def test_started_again_replaces_its_own_sum_only(
    checkpoint: Path, photos: Path, tmp_path: Path, skip: str
) -> None:
    json_file = tmp_path / "sum.json"
    common = (photos, "-s", checkpoint, "-o", tmp_path / "out", "--json", json_file)
    assert invoke(*common, "--skip", skip).exit_code == 0
    done = json.loads(json_file.read_text())["done"]
    assert "sum.json: exists already" in invoke(*common).stderr
    assert invoke(*common, "--skip", skip).exit_code == 0
    record = json.loads(json_file.read_text())
    assert (record["done"], record["skipped"]) == (0, done)
    for foreign in ("[]", '{"style": "mine"}', "words", "[" * 100_000):
        json_file.write_text(foreign)
        result = invoke(*common, "--skip", skip)
        assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
        assert "sum.json: exists and was not written by ganstyle stylize" in result.stderr
        assert json_file.read_text() == foreign


def test_skip_by_name_is_no_error(checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    common = (photos, "-s", checkpoint, "-o", tmp_path / "out")
    assert invoke(*common).exit_code == 0
    (tmp_path / "out" / "1.png").unlink()
    assert invoke(*common).exit_code == 1
    again = invoke(*common, "--skip", "name")
    assert (again.exit_code, again.stderr) == (0, "")
    assert "0 done, 4 skipped" in again.stdout


def test_skip_by_content(checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    common = (photos, "-s", checkpoint, "-o", tmp_path / "out", "--skip", "content")
    assert invoke(*common).exit_code == 0
    assert "0 done, 4 skipped" in invoke(*common).stdout
    write_image(torch.zeros(3, 20, 24), photos / "1.png")
    changed = invoke(*common)
    assert (changed.exit_code, changed.stderr) == (0, "")
    assert "1 done, 3 skipped" in changed.stdout
    assert "4 done" in invoke(*common, "--strength", "0.5").stdout
    single = (photos / "0.png", "-s", checkpoint, "-o", tmp_path / "x.png", "--skip", "content")
    assert [invoke(*single).stdout.splitlines()[-1] for _ in range(2)] == ["1 done", "0 done, 1 skipped"]
    piped = invoke(photos / "0.png", "-s", checkpoint, "-o", "-", "--skip", "content")
    assert piped.exit_code == 2
    assert "keeps nothing that --skip content could compare" in piped.stderr


@pytest.mark.parametrize("launcher", ["none", "torchrun"])
def test_two_processes_share_a_folder(
    checkpoint: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, launcher: str
) -> None:
    """One after the other in this process; together, see tests/chaos."""
    (photos / "1.png").write_bytes(b"no photo")
    (photos / "0.png").write_bytes(b"no photo")
    monkeypatch.setenv("WORLD_SIZE", "2")
    if launcher == "torchrun":
        monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    codes, json_file = [], tmp_path / "sum.json"
    for rank in (1, 0):
        monkeypatch.setenv("RANK", str(rank))
        result = invoke(photos, "-s", checkpoint, "-o", tmp_path / "out", "--json", json_file)
        codes.append(result.exit_code)
        assert json_file.exists() == (rank == 0)
        if rank:
            # Its own 1 and 3, of which it cannot read one, and then the other's: the same there.
            assert "process 1: 2 done, 2 failed" in result.stdout
    # A launcher would end the others if one left with an error: then the last one says it for all.
    assert codes == ([0, 1] if launcher == "torchrun" else [1, 1])
    assert "all 2 processes: 2 done, 2 failed" in result.stdout
    record = json.loads(json_file.read_text())
    assert [record[key] for key in ("processes", "done", "failed", "skipped")] == [2, 2, 2, 0]
    assert results(tmp_path / "out") == ["2.png", "3.png"]
    assert not (tmp_path / "out" / ".ganstyle").exists()


def test_one_process_writes_standard_output(
    checkpoint: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    sizes = []
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        result = invoke(photos / "0.png", "-s", checkpoint, "-o", "-")
        assert result.exit_code == 0
        sizes.append(len(result.stdout_bytes))
    assert sizes[0] > 0
    assert sizes[1] == 0


def test_files_of_a_killed_run_are_removed(checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    from ganstyle import temporary

    (tmp_path / "out").mkdir()
    machine = temporary.owner_prefix().removeprefix(temporary.PREFIX).partition("-")[0]
    (tmp_path / "out" / f"{temporary.PREFIX}{machine}-999999999-00.tmp").write_bytes(b"half")
    assert invoke(photos, "-s", checkpoint, "-o", tmp_path / "out").exit_code == 0
    assert results(tmp_path / "out") == [f"{name}.png" for name in range(4)]


def test_names_of_255_bytes_and_control_characters_in_a_list(
    checkpoint: Path, photos: Path, tmp_path: Path
) -> None:
    names = [b"\xff\xfe.png", b"\x1b[2J.png", b"a" * 251 + b".png", b" .png"]
    content = (photos / "0.png").read_bytes()
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(content)
    (tmp_path / "list.txt").write_bytes(b"\r\n".join([*names, b"\x07gone.png"]))
    result = invoke(tmp_path / "list.txt", "-s", checkpoint, "-o", tmp_path / "out")
    assert result.exit_code == 1, result.output
    assert not any(ord(character) < 32 for character in result.output.replace("\n", ""))
    assert sorted(os.fsencode(path.name) for path in (tmp_path / "out").iterdir()) == sorted(names)
    assert read_image(tmp_path / "out" / " .png").shape == (1, 3, 20, 24)


def test_stylize_shards(checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    for index in range(2):
        with tarfile.open(tmp_path / f"s-{index}.tar", "w") as tar:
            for name in range(index * 2, index * 2 + 2):
                tar.add(photos / f"{name}.png", f"{name}.png")
    pattern, json_file = tmp_path / "s-{0..2}.tar", tmp_path / "sum.json"
    os.truncate(tmp_path / "s-1.tar", (tmp_path / "s-1.tar").stat().st_size // 2)
    result = invoke(pattern, "-s", checkpoint, "-o", tmp_path / "out", "--json", json_file)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"{tmp_path / 's-1.tar'}: is cut off or damaged; copy it again",
        f"{tmp_path / 's-2.tar'}: no such file",
    ]
    record = json.loads(json_file.read_text())
    assert [record[key] for key in ("done", "failed", "skipped")] == [2, 2, 0]
    assert len(record["failures"]) == 2
    assert "files" not in record
    assert results(tmp_path / "out") == ["s-0.tar"]
    with tarfile.open(tmp_path / "out" / "s-0.tar") as tar:
        assert tar.getnames() == ["0.png", "1.png"]
    again = invoke(tmp_path / "s-0.tar", "-s", checkpoint, "-o", tmp_path / "out", "--skip", "name")
    assert (again.exit_code, "0 done, 2 skipped" in again.stdout) == (0, True)


def test_invalid_shard_options_are_one_line(
    checkpoint: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tarfile.open(tmp_path / "s.tar", "w") as tar:
        tar.add(photos / "0.png", "0.png")
    out = ("-s", checkpoint, "-o", tmp_path / "out")
    for arguments, message in (
        ((tmp_path / "s.tar", photos, *out), "shards and photos cannot be mixed"),
        ((tmp_path / "s.tar", "-s", checkpoint, "-o", "-"), "name a folder"),
        ((tmp_path / "s.tar", "-s", checkpoint, "-o", tmp_path / "x.png"), "name a folder"),
        ((tmp_path / "s.tar", *out, "--dry-run"), "measures photos and folders, not shards"),
        ((tmp_path / "s.tar", *out, "--format", "bmp"), "format 'bmp': give one of"),
        ((tmp_path / "none-*.tar", *out), "names no shard"),
        ((tmp_path / "s.tar", "-s", checkpoint, "-o", "/proc/out"), "may not be written to"),
    ):
        result = invoke(*arguments)
        assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1), result.output
        assert message in result.stderr
    monkeypatch.setitem(sys.modules, "webdataset", None)
    result = invoke(tmp_path / "s.tar", *out)
    assert result.exit_code == 2
    assert "pip install 'ganstyle[scale]'" in result.stderr
    assert not (tmp_path / "out").exists()
