"""``--dry-run`` says what would happen and leaves no trace."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from ganstyle.cli import app


def run(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


# --- train


@pytest.fixture
def recipe(tiny: Callable[..., dict[str, Any]], tmp_path: Path) -> Callable[..., Path]:
    def write(**changes: Any) -> Path:
        path = tmp_path / "tiny.yaml"
        path.write_text(yaml.safe_dump(tiny(**changes)))
        return path

    return write


def lines(*words: object) -> list[str]:
    result = run("train", *words, "--dry-run")
    assert result.exit_code == 0, result.output
    found: list[str] = result.stdout.splitlines()
    assert found[-1] == "dry run: nothing is trained or written" or "are done" in found[-1]
    return found


def test_dry_run_train_from_the_start(recipe: Callable[..., Path], tmp_path: Path, painting: Path) -> None:
    path = recipe(steps=100, phases=[{"until": 0.6}, {"until": 1, "image_size": 40}])
    before = files(tmp_path)
    found = lines(path)
    assert files(tmp_path) == before
    assert found[0] == f"run        {tmp_path / 'runs' / 'tiny'}: new"
    assert found[1].startswith("photos     3 (folder: ")
    assert found[2] == f"paintings  1 ({painting})"
    steps = [re.match(r"steps +(\d+) of (\d+) px, VGG .*: [\d.e-]+ s each$", line) for line in found[3:5]]
    assert [match and (match[1], match[2]) for match in steps] == [("60", "16"), ("40", "40")]
    assert re.match(r"time +about \d+:\d\d, not counting: saving$", found[5])
    assert re.match(r"memory +about (\d+ MB|\d+\.\d GB)$", found[6])
    assert re.match(
        r"files +about \d+ MB: recipe.yaml, style.safetensors, checkpoints/, tensorboard/$", found[7]
    )


def test_dry_run_train_that_would_resume(recipe: Callable[..., Path], tmp_path: Path) -> None:
    path = recipe()
    assert run("train", path).exit_code == 0
    before = files(tmp_path)
    assert lines(path)[3] == "steps      none: all 4 are done"
    found = lines(path, "steps=10")
    assert found[0].endswith("tiny: continues from step-000004")
    assert found[3].startswith("steps      6 of 16 px")
    assert any(line.startswith("note       steps: 4 -> 10") for line in found)
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("content.path=missing", "missing"),
        ("style.path=missing.jpg", "missing.jpg"),
        ("vgg=missing.pth", "missing.pth"),
        ("loss.stile=1", "stile"),
        ("score={every: 1, content: missing}", "score.content missing: no such folder"),
        ("score={every: 1, content: PHOTOS, size: 5}", "'score.size': scores need 6 pixels or more (got 5)"),
        ("init=missing", "missing: neither a file nor a shipped style"),
        ("init=wave", "wave.safetensors: cannot be the start of this generator"),
        ("run.trackers=[comet_ml]", "'run.trackers': comet_ml is not installed"),
        ("run.dir=PAINTING", "is a file, not a folder"),
    ],
)
def test_dry_run_train_that_would_fail(
    recipe: Callable[..., Path],
    tmp_path: Path,
    photos: Path,
    painting: Path,
    override: str,
    message: str,
) -> None:
    path = recipe()
    override = override.replace("PHOTOS", str(photos)).replace("PAINTING", str(painting))
    before = files(tmp_path)
    result = run("train", path, override, "--dry-run")
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert files(tmp_path) == before


@pytest.mark.parametrize("launcher", ["WORLD_SIZE", "OMPI_COMM_WORLD_SIZE"])
def test_dry_run_train_of_one_process_only(
    recipe: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, launcher: str
) -> None:
    monkeypatch.setenv(launcher, "2")
    result = run("train", recipe(), "--dry-run")
    assert result.exit_code == 2
    assert "--dry-run measures one process; run it once, without a launcher" in result.stderr


def test_dry_run_train_downloads_nothing(
    recipe: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(*arguments: object, **keywords: object) -> None:
        raise AssertionError

    monkeypatch.setattr("ganstyle.weights.vgg16.download_file", download)
    found = lines(recipe(steps=5), "vgg=auto")
    assert any("the VGG-16 would be downloaded to" in line for line in found)


# --- stylize


def test_dry_run_stylize(checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    output, record = tmp_path / "out", tmp_path / "plan.json"
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    given = (photos, tmp_path / "broken.jpg", "-s", checkpoint, "-o", output, "--max-side", 24)
    result = run("stylize", *given, "--dry-run", "--json", record)
    assert result.exit_code == 1, result.output
    assert not output.exists()
    planned = json.loads(record.read_text())
    assert [file["status"] for file in planned["files"]] == ["done", "done", "done", "failed"]
    assert result.stdout.splitlines()[0] == f"{photos / 'a.png'} -> {output / 'a.png'}  (24x20)"
    assert re.search(r"^time +about \d+\.\d s for 3, not counting reading and writing$", result.stdout, re.M)
    assert re.search(r"^memory +about (\d+ MB|\d+\.\d GB)$", result.stdout, re.M)
    assert "broken.jpg" in result.stderr
    # The real thing does what was said.
    real = run("stylize", *given, "--json", tmp_path / "real.json")
    assert real.exit_code == 1
    done = json.loads((tmp_path / "real.json").read_text())
    for key in ("source", "output", "status"):
        assert [file[key] for file in done["files"]] == [file[key] for file in planned["files"]]


def test_dry_run_stylize_over_existing_results(checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    given = (photos, "-s", checkpoint, "-o", tmp_path / "out")
    assert run("stylize", *given).exit_code == 0
    before = files(tmp_path)
    result = run("stylize", *given, "--dry-run")
    assert result.exit_code == 2
    assert result.stderr.count("exists already; use --force") == 3
    assert run("stylize", *given, "--dry-run", "--force").exit_code == 0
    result = run("stylize", *given, "--dry-run", "--skip", "name")  # as the real thing
    assert (result.exit_code, result.stderr) == (0, "")
    for options in (("--dry-run", "--skip", "content"), ("--skip", "name", "--force")):
        result = run("stylize", *given, *options)
        assert result.exit_code == 2
        assert "leave one of them out" in result.stderr
    assert files(tmp_path) == before


def test_dry_run_stylize_to_standard_output_with_a_mask(
    checkpoint: Path, photos: Path, tmp_path: Path
) -> None:
    photo = photos / "a.png"
    result = run("stylize", photo, "-s", checkpoint, "-o", "-", "--mask", photo, "--dry-run")
    assert result.exit_code == 0, result.output
    assert f"{photo} -> -  (48x40)" in result.stderr  # what is printed goes there
    assert result.stdout == ""
