from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from ganstyle.cli import app
from ganstyle.images import read_image, write_image

pytest.importorskip("onnxscript", reason="the extra export is not installed")
pytest.importorskip("onnxruntime", reason="the extra export is not installed")


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.mark.slow
def test_export_and_stylize_with_the_graph(checkpoint: Path, tmp_path: Path) -> None:
    write_image(torch.rand(3, 40, 50), tmp_path / "a.png")
    result = invoke("export", "-s", checkpoint, "-o", tmp_path / "x.onnx")
    assert result.exit_code == 0, result.output
    assert "from the style" in result.stdout
    for style, name in ((checkpoint, "a"), (tmp_path / "x.onnx", "b")):
        painted = invoke("stylize", tmp_path / "a.png", "-s", style, "-o", tmp_path / f"out-{name}.png")
        assert painted.exit_code == 0, painted.output
    difference = read_image(tmp_path / "out-a.png") - read_image(tmp_path / "out-b.png")
    assert difference.abs().max() < 1.1 / 255
    animated = invoke(
        "stylize", tmp_path / "a.png", "-s", tmp_path / "x.onnx", "--animate", tmp_path / "a.gif"
    )
    assert animated.exit_code == 0, animated.output
    again = invoke("export", "-s", checkpoint, "-o", tmp_path / "x.onnx")
    assert (again.exit_code, "use --force" in again.stderr) == (2, True)


def test_export_errors_are_one_line(checkpoint: Path, tmp_path: Path) -> None:
    for arguments, message in (
        (("-s", checkpoint, "-o", tmp_path / "x.mlmodel"), "give --format onnx or pt2"),
        (("-s", "no_such_style", "-o", tmp_path / "x.onnx"), "neither a file nor a shipped style"),
    ):
        result = invoke("export", *arguments)
        assert result.exit_code == 2
        assert message in result.stderr
    (tmp_path / "words.onnx").write_text("words")
    write_image(torch.rand(3, 8, 8), tmp_path / "a.png")
    result = invoke("stylize", tmp_path / "a.png", "-s", tmp_path / "words.onnx", "-o", tmp_path / "o.png")
    assert (result.exit_code, "not a readable ONNX file" in result.stderr) == (2, True)
    assert not (tmp_path / "o.png").exists()
    for style, message in (
        (tmp_path / "words.onnx", "not a readable ONNX file"),
        ("hf://user/name/x.onnx", "only .safetensors files are loaded"),
    ):
        result = invoke("stylize", tmp_path / "a.png", "-s", style, "--animate", tmp_path / "a.gif")
        assert (result.exit_code, message in result.stderr) == (2, True), result.stderr
