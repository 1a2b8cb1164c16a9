"""What commands write where: `check_outputs` alone, through commands, and for real as a process."""

import inspect
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from typer.testing import CliRunner

from ganstyle.cli import app
from ganstyle.cli.outputs import check_outputs, write_json, write_picture
from ganstyle.cli.paths import OUTPUT_PARAMETERS, with_paths
from ganstyle.errors import GanstyleError
from ganstyle.images import decode_image, read_image, write_image

ROOT = Path(__file__).parents[2]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photos" / "a.png"
    write_image(torch.rand(3, 20, 24, generator=torch.Generator().manual_seed(0)), path)
    return path


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(app, list(map(str, arguments)))


def refused(message: str, *arguments: object) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert message in line


# Every command


def test_output_parameter_names() -> None:
    for command in app.registered_commands:
        assert command.callback is not None
        for name, parameter in inspect.signature(command.callback).parameters.items():
            described = getattr(parameter.annotation, "__metadata__", ())  # Typer's context has none
            options = [text for item in described for text in item.param_decls or ()]
            if {"--json", "-o", "--output"} & set(options):
                assert name in OUTPUT_PARAMETERS, (command.callback.__name__, name)


def test_every_command_with_a_json_file_has_force() -> None:
    for command in app.registered_commands:
        assert command.callback is not None
        parameters = inspect.signature(command.callback).parameters
        assert "json_file" not in parameters or "force" in parameters, command.callback.__name__


JSON_COMMANDS = {
    "stylize": lambda photo, style, out: [photo, "-s", style, "-o", out / "o"],
    "styles": lambda photo, style, out: [style],
    "evaluate": lambda photo, style, out: ["-s", style, "--content", photo.parent],
    "compare": lambda photo, style, out: ["-s", style, "--content", photo.parent, "-o", out / "o"],
    "optimize": lambda photo, style, out: [photo, photo, "-o", out / "o.png"],
    "optimizers": lambda photo, style, out: [photo, photo, "-o", out / "o"],
}


@pytest.mark.parametrize("command", JSON_COMMANDS)
@pytest.mark.parametrize("force", [False, True])
def test_json_never_replaces_an_input(
    command: str, force: bool, checkpoint: Path, photo: Path, tmp_path: Path
) -> None:
    given = checkpoint if command == "styles" else photo
    before = given.read_bytes()
    (tmp_path / "link.json").symlink_to(given)
    (tmp_path / "hard.json").hardlink_to(given)
    arguments = JSON_COMMANDS[command](photo, checkpoint, tmp_path)
    around = given.parent / ".." / given.parent.name / given.name
    for target in (given, around, tmp_path / "link.json", tmp_path / "hard.json"):
        refused("is an input", command, *arguments, "--json", target, *(["--force"] if force else []))
    assert given.read_bytes() == before
    assert (tmp_path / "link.json").is_symlink()
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("command", JSON_COMMANDS)
def test_json_that_cannot_be_written_is_refused_before_the_work(
    command: str, checkpoint: Path, photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "old.json").write_text("mine")
    arguments = JSON_COMMANDS[command](photo, checkpoint, tmp_path)
    for path, message in (
        (tmp_path / "old.json", "exists already; use --force"),
        (tmp_path / "photos", "is a folder"),
        (tmp_path / "old.json" / "x", "is a file, not a folder"),
        (tmp_path / ("a" * 251 + ".json"), "choose a shorter name"),
        ("/proc/self/fd/999", "may not be written to"),
    ):
        refused(message, command, *arguments, "--json", path)
    assert (tmp_path / "old.json").read_text() == "mine"
    assert not (tmp_path / "o").exists()


# check_outputs


def test_one_file_for_two_outputs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    image = tmp_path / "a.png"
    for json_file in (image, tmp_path / "link" / "a.png", tmp_path / "x" / ".." / "a.png"):
        with pytest.raises(GanstyleError, match="is written by this command already"):
            check_outputs(image=image, json_file=json_file, force=True)
        with pytest.raises(GanstyleError, match="is written by this command already"):
            check_outputs(results=[image], json_file=json_file, force=True)
    with pytest.raises(GanstyleError, match="is written by this command already"):
        check_outputs(image=Path("-"), json_file=Path("/dev/stdout"), force=True)
    with pytest.raises(GanstyleError, match="is written by this command already"):
        check_outputs(
            report=tmp_path / "r", report_files=["r.json"], json_file=tmp_path / "r" / "r.json", force=True
        )
    check_outputs(image=Path("/dev/null"), json_file=Path("/dev/null"), force=False)


def test_outputs_in_an_input_folder(photo: Path, checkpoint: Path, tmp_path: Path) -> None:
    folder = photo.parent
    (folder / "style.safetensors").write_bytes(checkpoint.read_bytes())
    (folder / "scores.json").touch()

    def command(content: Path, json_file: Path) -> None:
        check_outputs(json_file=json_file, force=True)

    run = with_paths(command)
    for name in ("a.png", "style.safetensors"):
        with pytest.raises(GanstyleError, match="is an input"):
            run(content=folder, json_file=folder / name)
    for name in ("scores.json", "new.json"):
        run(content=folder, json_file=folder / name)


def test_report_never_overwrites_inputs(photo: Path, tmp_path: Path) -> None:
    def command(content: Path, output: Path) -> None:
        check_outputs(report=output, force=True)

    run = with_paths(command)
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "old.txt").touch()
    run(content=photo.parent, output=tmp_path / "report")
    for given, output in ((photo, photo.parent), (photo.parent, photo.parent)):
        with pytest.raises(GanstyleError, match="is an input, and the report could replace it"):
            run(content=given, output=output)
    run(content=photo, output=tmp_path)  # a report writes nothing into photos/
    for sink in ("-", "/dev/null", "/dev/stdout"):
        with pytest.raises(GanstyleError, match="a report is a folder"):
            run(content=photo, output=Path(sink))


def test_what_is_written_by_its_name_needs_one(tmp_path: Path) -> None:
    for sink in ("-", "/dev/stdout"):
        with pytest.raises(GanstyleError, match="does not write to standard output; name a file"):
            check_outputs(saved=Path(sink), force=True)
    check_outputs(saved=tmp_path / "a.onnx", force=False)


def test_image_format_is_checked_before_the_work(tmp_path: Path) -> None:
    for name in ("a.gif", "a", "a.mp4"):
        with pytest.raises(GanstyleError, match=r"use \.png"):
            check_outputs(image=tmp_path / name, force=False)


@pytest.mark.parametrize("name", ["mask.png", "link.png"])
def test_mask_is_never_overwritten_by_a_result(
    checkpoint: Path, photo: Path, tmp_path: Path, name: str
) -> None:
    write_image(torch.ones(3, 20, 24), tmp_path / "mask.png")
    (tmp_path / "link.png").symlink_to("mask.png")
    before = (tmp_path / "mask.png").read_bytes()
    arguments = ("-s", checkpoint, "-o", tmp_path / name, "--mask", tmp_path / "mask.png", "--force")
    refused("is an input, which is never replaced", "stylize", photo, *arguments)
    assert (tmp_path / "mask.png").read_bytes() == before


def test_non_finite_numbers_become_null(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": float("nan"), "b": [1.5, float("inf")], "c": ("x", None)})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": None, "b": [1.5, None], "c": ["x", None]}


# Standard output


def test_dash_writes_to_standard_output(
    checkpoint: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for dash in ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"):
        result = invoke(
            "stylize", photo, "-s", checkpoint, "-o", f"out{dash.replace('/', '_')}", "--json", dash
        )
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["done"] == 1
        assert "1 done" in result.stderr
    result = invoke("styles", checkpoint, "--json", "-")
    assert json.loads(result.stdout)[0]["name"] == "tiny"
    assert result.stderr.startswith("tiny ")
    assert not (tmp_path / "-").exists()


def test_stylize_to_standard_output(checkpoint: Path, photo: Path, tmp_path: Path) -> None:
    assert invoke("stylize", photo, "-s", checkpoint, "-o", tmp_path / "o.png").exit_code == 0
    result = invoke("stylize", photo, "-s", checkpoint, "-o", "-", "--json", tmp_path / "r.json")
    assert result.exit_code == 0, result.stderr
    assert torch.equal(decode_image(result.stdout_bytes, "-"), read_image(tmp_path / "o.png"))
    assert f"{photo} -> -" in result.stderr
    jpeg = invoke("stylize", photo, "-s", checkpoint, "-o", "-", "--format", "jpeg")
    assert jpeg.stdout_bytes.startswith(b"\xff\xd8")
    refused("nonsense", "stylize", photo, "-s", checkpoint, "-o", "-", "--format", "nonsense")
    refused("--keep-gps", "stylize", photo, "-s", checkpoint, "-o", "-", "--keep-gps", "--no-metadata")
    assert json.loads((tmp_path / "r.json").read_text())["files"][0]["output"] == "-"
    refused("is one image", "stylize", photo.parent, "-s", checkpoint, "-o", "-")
    failed = invoke("stylize", tmp_path / "missing.png", "-s", checkpoint, "-o", "-")
    assert (failed.exit_code, failed.stdout_bytes) == (2, b"")


def test_stylize_to_a_device_file(checkpoint: Path, photo: Path, tmp_path: Path) -> None:
    result = invoke("stylize", photo, "-s", checkpoint, "-o", "/dev/null", "--json", "/dev/null")
    assert result.exit_code == 0, result.stderr
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_images_of_other_commands_to_standard_output() -> None:
    image = torch.rand(1, 3, 4, 5)
    script = typer.Typer()

    def command(output: Path) -> None:
        check_outputs(image=output, force=False)
        typer.echo("progress")
        write_picture(image, output)

    script.command()(with_paths(command))
    result = CliRunner().invoke(script, ["-"])
    assert (decode_image(result.stdout_bytes, "-") - image).abs().max() < 1 / 255
    assert result.stderr == "progress\n"


def test_shell_redirections(tmp_path: Path) -> None:
    """Process substitution; a shell's file is written to, after what it holds; a device is still one."""
    commands = (
        'set -e; copy() { "$PYTHON" -m ganstyle recipes copy wave "$1"; }\n'
        "copy >(cat > substituted) > printed; sleep 0.2\n"
        "{ echo before; copy /dev/stdout; echo after; } > log 2> progress\n"
        "copy /dev/null > null\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHON": sys.executable}
    result = subprocess.run(
        ["bash", "-c", commands], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    recipe = (tmp_path / "substituted").read_text()
    assert "name: wave" in recipe
    assert (tmp_path / "printed").read_text().startswith("/dev/fd/")
    assert (tmp_path / "log").read_text() == f"before\n{recipe}after\n"
    assert (tmp_path / "progress").read_text() == "/dev/stdout\n"
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
