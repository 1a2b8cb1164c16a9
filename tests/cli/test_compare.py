import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ganstyle import evaluate
from ganstyle.cli import app
from ganstyle.evaluate import methods
from ganstyle.gatys import DEFAULTS

MakeStyle = Callable[..., Path]


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch, random_vgg16: None, small_fid: None) -> None:
    monkeypatch.setattr(methods, "DEFAULTS", replace(DEFAULTS, steps=3))


def invoke(*arguments: object) -> Any:
    base = ("--inception", "off", "--device", "cpu", "--precision", "fp32")
    return CliRunner().invoke(app, ["compare", *base, *map(str, arguments)])


def test_compare_writes_a_report(make_style: MakeStyle, photos: Path, tmp_path: Path) -> None:
    output, run = tmp_path / "report", tmp_path / "run"
    run.mkdir()
    line = {"step": 0, "seconds": 0.0, "content": 1.0, "style": 0.5}
    (run / "scores.jsonl").write_text(json.dumps(line) + "\n")
    arguments = ("-s", make_style(), "--content", photos, "-o", output, "--count", 1, "--size", 24)
    more = ("--without-gan", make_style("plain", discriminator=None), "--run", run)
    result = invoke(*arguments, *more, "--json", tmp_path / "copy.json")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("VGG-16 (vgg16-random), SHA-256 ")
    assert lines[1].startswith("[1/4] a.png, GAN: ")
    assert lines[3].startswith("[3/4] a.png, Gatys: ")
    assert lines[-1] == f"report: {output / 'index.html'}"
    record = json.loads((output / "compare.json").read_text())
    assert record == json.loads((tmp_path / "copy.json").read_text())
    assert lines[-2] == record["conclusion"]
    assert record["settings"]["baseline_precision"] == "float32"
    again = invoke(*arguments)
    assert again.exit_code == 2
    assert "is not empty" in again.stderr
    assert invoke(*arguments, "--force").exit_code == 0


def test_compare_defaults_are_those_of_the_library(
    make_style: MakeStyle, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    def spy(style: Any, judge: Any, *_: Any, **options: Any) -> Any:
        seen.update(size=judge.size, photos=len(judge.photos), **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluate, "compare_with_gatys", spy)
    result = invoke("-s", make_style(), "--content", photos, "-o", tmp_path / "report")
    assert result.exit_code == 130
    assert result.stderr == "interrupted: no report is written\n"
    assert not (tmp_path / "report").exists()
    assert (seen["size"], seen["photos"], seen["without_gan"]) == (256, 3, None)


def test_compare_bad_usage_is_one_line_and_writes_nothing(
    make_style: MakeStyle, photos: Path, tmp_path: Path
) -> None:
    style, output = make_style(), tmp_path / "report"
    (tmp_path / "file").write_text("mine")
    base = ("-s", style, "--content", photos)
    for arguments, message in (
        ((*base, "-o", tmp_path / "file"), "is a file"),
        ((*base, "-o", tmp_path / "file" / "report"), "is a file, not a folder"),
        ((*base, "-o", tmp_path), "is not empty"),
        ((*base, "-o", output, "--size", 8), "at least 16"),
        ((*base, "-o", output, "--count", 0), "at least 1"),
        ((*base, "-o", output, "--run", tmp_path), "no scores to draw"),
        ((*base, "-o", output, "--without-gan", style, "--size", 24), "was trained with a discriminator"),
        ((*base, "-o", output, "--without-gan", "none"), "neither a file nor a shipped style"),
        ((*base, "-o", output, "--precision", "fp8"), "precision 'fp8'"),
        (("-s", style, "--content", tmp_path / "none", "-o", output), "no such folder"),
    ):
        result = invoke(*arguments)
        assert result.exit_code == 2, (arguments, result.output)
        (line,) = result.stderr.splitlines()
        assert message in line, (arguments, line)
        assert not output.exists()


def test_unreadable_photos_are_reported_with_exit_code_1(
    make_style: MakeStyle, photos: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    content = (photos / "a.png").read_bytes()
    (folder / "good.png").write_bytes(content)
    (folder / "half.png").write_bytes(content[: len(content) // 2])
    (folder / "text.jpg").write_text("no picture")
    result = invoke("-s", make_style(), "--content", folder, "-o", tmp_path / "report", "--size", 24)
    assert result.exit_code == 1, result.output
    assert result.stderr.count("skipped: ") == 2
    assert json.loads((tmp_path / "report" / "compare.json").read_text())["photos"] == ["good.png"]


@pytest.mark.parametrize(
    "where", ["style.Style.paint", "evaluate.methods.resize_shorter", "evaluate.compare.warm_up"]
)
def test_compare_out_of_memory_is_one_line(
    make_style: MakeStyle, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(f"ganstyle.{where}", fail)
    result = invoke("-s", make_style(), "--content", photos, "-o", tmp_path / "report", "--size", 24)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "there is not enough memory; give a smaller --size" in line
    assert not (tmp_path / "report").exists()
