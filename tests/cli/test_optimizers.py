import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor
from typer.testing import CliRunner

from ganstyle.cli import app
from ganstyle.gatys import BenchmarkSettings, GatysSettings
from ganstyle.gatys.benchmark import comparison
from ganstyle.gatys.benchmark.trial import run_trial

TINY = (
    "--size",
    16,
    "--evaluations",
    4,
    "--seconds",
    0.1,
    "--seeds",
    1,
    "--precision",
    "fp32",
    "--device",
    "cpu",
)


pytestmark = pytest.mark.usefixtures("random_vgg16")


@pytest.fixture
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run trials in this process: a fresh one takes seconds to load PyTorch."""
    monkeypatch.setattr(
        comparison, "compare_optimizers", partial(comparison.compare_optimizers, run=run_trial)
    )


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["optimizers", *map(str, arguments)])


@pytest.mark.usefixtures("_here")
def test_optimizers_writes_a_report(photos: Path, painting: Path, tmp_path: Path) -> None:
    output = tmp_path / "report"
    arguments = (
        photos / "a.png",
        painting,
        "-o",
        output,
        *TINY,
        "--optimizer",
        "adam",
        "--optimizer",
        "lbfgs",
    )
    result = invoke(*arguments, "--json", tmp_path / "copy.json")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("VGG-16 (vgg16-random), SHA-256 ")
    assert lines[1].startswith("[1/4] adam, 0.1 s, seed 0: loss ")
    assert lines[4].startswith("[4/4] lbfgs, 4 evaluations, seed 0: loss ")
    assert lines[5].startswith("With 0.1 s each, ")
    assert lines[6] == f"report: {output / 'index.html'}"
    assert (output / "index.html").is_file()
    record = json.loads((output / "optimizers.json").read_text())
    assert record == json.loads((tmp_path / "copy.json").read_text())
    assert (record["content"], record["styles"]) == ("a.png", ["painting.png"])
    assert record["conclusion"] == lines[5]
    again = invoke(*arguments)
    assert again.exit_code == 2
    assert "is not empty" in again.stderr
    assert invoke(*arguments, "--force").exit_code == 0


def test_optimizers_options_reach_the_comparison(
    photos: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    def spy(content: Any, styles: Any, **options: Any) -> Any:
        seen.update(options)
        raise KeyboardInterrupt

    monkeypatch.setattr(comparison, "compare_optimizers", spy)
    base = (photos / "a.png", painting, "-o", tmp_path / "report")
    result = invoke(*base)
    assert result.exit_code == 130
    assert result.stderr == "interrupted: no report is written\n"
    assert not (tmp_path / "report").exists()
    assert seen["settings"] == BenchmarkSettings(precision=seen["settings"].precision)
    assert "start_image" in seen
    assert not isinstance(seen["start_image"], Tensor)
    invoke(
        *base, "--seconds", 5, "--evaluations", 9, "--size", 32, "--seeds", 2, "--optimizer", "adam",
        "--start", "noise", "--content-weight", 1, "--style-weight", 2, "--tv-weight", 3,
        "--precision", "bf16",
    )  # fmt: skip
    assert seen["settings"] == BenchmarkSettings(
        optimizers=["adam"],
        seconds=5.0,
        evaluations=9.0,
        size=32,
        seeds=2,
        precision="bf16",
        objective=GatysSettings(start="noise", content_weight=1.0, style_weight=2.0, tv_weight=3.0),
    )
    invoke(*base, "--start", painting)
    assert tuple(seen["start_image"].shape) == (1, 3, 48, 56)


def test_optimizers_bad_usage_is_one_line_and_writes_nothing(
    photos: Path, painting: Path, tmp_path: Path
) -> None:
    photo, output = photos / "a.png", tmp_path / "report"
    (tmp_path / "file").write_text("mine")
    for arguments, message in (
        ((photo, painting, "-o", tmp_path / "file"), "is a file"),
        ((photo, painting, "-o", tmp_path / "file" / "report"), "is a file, not a folder"),
        ((photo, painting, "-o", tmp_path), "is not empty"),
        ((photo, painting, "-o", output, "--optimizer", "sgd"), "no optimizer 'sgd'"),
        ((photo, painting, "-o", output, "--seconds", 0), "does nothing"),
        ((photo, painting, "-o", output, "--seeds", 0), "at least 1"),
        ((photo, painting, "-o", output, "--size", 2), "too few"),
        ((photo, painting, "-o", output, "--start", "nose.png"), "nose.png"),
        ((photo, tmp_path / "none.png", "-o", output), "none.png"),
    ):
        result = invoke(*arguments)
        assert result.exit_code == 2, arguments
        assert message in result.stderr, (arguments, result.stderr)
        assert len(result.stderr.splitlines()) == 1, result.stderr
        assert not output.exists()


@pytest.mark.usefixtures("_here")
def test_optimizers_out_of_memory_gives_advice(
    photos: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    for function in ("trial._warm_up", "comparison.make_objective"):
        with monkeypatch.context() as patch:
            patch.setattr(f"ganstyle.gatys.benchmark.{function}", fail)
            result = invoke(
                photos / "a.png", painting, "-o", tmp_path / "report", *TINY, "--optimizer", "adam"
            )
        assert result.exit_code == 2, result.output
        line = "optimizing at 16 px needs more memory than cpu has; give a smaller size, such as --size 8"
        assert result.stderr.splitlines() == [f"ganstyle: {line}"]
        assert not (tmp_path / "report").exists()
