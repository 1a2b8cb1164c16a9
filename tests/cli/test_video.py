import inspect
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from ganstyle.cli import app
from ganstyle.cli.video import video
from ganstyle.images import write_image
from ganstyle.style import Style
from ganstyle.video import VideoSettings


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["video", *map(str, arguments)])


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    """An animation of six pictures."""
    pictures = [Image.new("RGB", (24, 20), (40 * index, 100, 200 - 30 * index)) for index in range(6)]
    pictures[0].save(tmp_path / "in.gif", save_all=True, append_images=pictures[1:], duration=50)
    return tmp_path / "in.gif"


def test_options_have_the_defaults_of_the_settings() -> None:
    """They are written twice, because `ganstyle --help` must not load PyTorch."""
    options = inspect.signature(video).parameters
    for setting in fields(VideoSettings):
        default = options[setting.name].default
        given = float(default) if setting.name in ("fps", "stroke_size") else default
        assert given == setting.default, setting.name


def test_video_is_stylized(checkpoint: Path, movie: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    result = invoke(movie, "-s", checkpoint, "-o", output, "--json", tmp_path / "r.json")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1].startswith(f"{movie} -> {output}  (6 frames, ")
    assert result.stderr == ""
    record = json.loads((tmp_path / "r.json").read_text())
    assert record["style"] == "tiny"
    assert (record["frames"], record["total"], record["stopped"]) == (6, 6, False)
    assert (record["height"], record["width"], record["notes"]) == (20, 24, [])


def test_video_quiet_prints_nothing(checkpoint: Path, movie: Path, tmp_path: Path) -> None:
    result = invoke(movie, "-s", checkpoint, "-o", tmp_path / "out.gif", "-q")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_video_json_to_standard_output(checkpoint: Path, movie: Path, tmp_path: Path) -> None:
    result = invoke(movie, "-s", checkpoint, "-o", tmp_path / "out.gif", "--json", "-")
    assert json.loads(result.stdout)["frames"] == 6


def test_video_existing_output_needs_force(checkpoint: Path, movie: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    output.write_text("precious")
    result = invoke(movie, "-s", checkpoint, "-o", output)
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [f"ganstyle: {output}: exists already; use --force to replace it"]
    assert output.read_text() == "precious"
    assert invoke(movie, "-s", checkpoint, "-o", output, "--force").exit_code == 0
    assert output.read_bytes()[4:8] == b"ftyp"


@pytest.mark.parametrize(
    ("output", "options", "why"),
    [
        ("out.gif", ("--crf", 20), "--crf is for the encoder of a video; {output} has none"),
        ("out.mp4", ("--quality", 80), "--quality is for an animated WebP; {output} is none"),
        ("frames", ("--quality", 80), "--quality is for an animated WebP; {output} is none"),
        ("out.mp4", ("--fps", 24), "--fps is for a folder of frames; {movie} has its own times"),
    ],
)
def test_video_options_without_effect_are_refused(
    checkpoint: Path, movie: Path, tmp_path: Path, output: str, options: tuple[object, ...], why: str
) -> None:
    result = invoke(movie, "-s", checkpoint, "-o", tmp_path / output, *options)
    assert result.exit_code == 2
    said = why.format(output=tmp_path / output, movie=movie)
    assert result.stderr.splitlines() == [f"ganstyle: {said}; leave it out"]
    assert not (tmp_path / output).exists()


@pytest.mark.parametrize("output", ["in.gif", "link.gif", "./in.gif"])
def test_video_output_equal_to_input_is_refused(
    checkpoint: Path, movie: Path, tmp_path: Path, output: str
) -> None:
    (tmp_path / "link.gif").symlink_to(movie)
    before = movie.read_bytes()
    result = invoke(movie, "-s", checkpoint, "-o", f"{tmp_path}/{output}", "--force")
    assert result.exit_code == 2
    assert "is the input, which is never replaced" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert movie.read_bytes() == before


def test_video_without_a_style_names_its_own_options(movie: Path, tmp_path: Path) -> None:
    result = invoke(movie, "-o", tmp_path / "out.mp4")
    assert result.exit_code == 2
    assert result.stderr == "ganstyle: no style is given; give -s NAME or --blend NAME=WEIGHT,…\n"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("-o", "out.avi"), "out.avi: cannot be written as a video; give a name that ends in one of .mp4, "),
        (("-o", "-"), "-: cannot be written as a video"),
        (("-o", "file.txt/out.mp4"), "is a file, not a folder"),
        (("-o", "file.txt/out"), "is a file, not a folder"),
        (("-o", "out.mp4", "--crf", 52), "crf 52: give a number from 0 (best) to 51"),
        (("-o", "out.mp4", "--fps", "x"), "fps 'x': give frames per second"),
        (("-o", "out.mp4", "--fps", "0"), "fps 0: give pictures a second"),
        (("-o", "out.mp4", "--fps", "1e400"), "fps beyond a billion: give pictures a second"),
        (("-o", "out.mp4", "--fps", "1/0"), "fps '1/0': give frames per second"),
        (("-o", "out.mp4", "--strength", 2), "strength 2: give a number from 0 to 1.5"),
        (("-o", "out.mp4", "--quality", 0), "quality 0: give a number from 1 to 100"),
        (("-o", "out.mp4", "--tile", 3), "tile 3: give at least 64 pixels"),
        (("-o", "out.mp4", "--stroke-size", "x"), "stroke size 'x': give a number"),
    ],
    ids=str,
)
def test_video_bad_usage_is_one_line(
    checkpoint: Path,
    movie: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[object, ...],
    problem: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file.txt").touch()
    before = sorted(tmp_path.iterdir())
    result = invoke(movie, "-s", checkpoint, *arguments)
    assert result.exit_code == 2, result.output
    assert problem in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before


def test_broken_video_is_one_line(checkpoint: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.mp4"
    source.write_text("no video")
    for output in ("out.mp4", "out", "out.gif"):
        result = invoke(source, "-s", checkpoint, "-o", tmp_path / output)
        assert result.exit_code == 2
        assert result.stderr.startswith(f"ganstyle: {source}: damaged or not a video")
        assert len(result.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == [source]


def test_video_frames_never_overwrite_inputs(checkpoint: Path, tmp_path: Path) -> None:
    import torch

    for index in range(2):
        write_image(torch.rand(3, 20, 24), tmp_path / "frames" / f"{index}.png")
    result = invoke(tmp_path / "frames", "-s", checkpoint, "-o", tmp_path / "frames", "--force")
    assert result.exit_code == 2
    assert "never replaced" in result.stderr


def test_video_with_a_mix_of_paintings(
    movie: Path, painting: Path, any_painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANSTYLE_ANY", str(any_painting))
    result = invoke(movie, "-s", painting, "-s", painting, "--mix", "2,1", "-o", tmp_path / "out.gif")
    assert result.exit_code == 0, result.output


def test_video_ctrl_c_keeps_finished_frames(
    checkpoint: Path, movie: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint, calls = Style.paint, []

    def interrupted(self: Style, *arguments: Any, **keywords: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return paint(self, *arguments, **keywords)

    monkeypatch.setattr(Style, "paint", interrupted)
    before = signal.getsignal(signal.SIGINT)
    output = tmp_path / "out.gif"
    result = invoke(movie, "-s", checkpoint, "-o", output, "--json", tmp_path / "r.json")
    assert result.exit_code == 130
    assert result.stderr == f"interrupted after 3 of 6 frames; {output} ends there\n"
    with Image.open(output) as image:
        assert image.n_frames == 3  # type: ignore[attr-defined]
    assert json.loads((tmp_path / "r.json").read_text())["stopped"] is True
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.slow
def test_video_ctrl_c_in_a_process(checkpoint: Path, tmp_path: Path, run_video: Callable[..., Any]) -> None:
    """The file plays, and a second Ctrl-C leaves nothing behind."""
    pictures = [Image.new("RGB", (160, 120), (index % 256, 100, 50)) for index in range(2000)]
    pictures[0].save(tmp_path / "in.webp", save_all=True, append_images=pictures[1:], duration=40)
    for presses in (1, 2):
        output = tmp_path / f"out{presses}.mp4"
        process = run_video(tmp_path / "in.webp", "-s", checkpoint, "-o", output)
        assert process.stdout is not None
        while "[" not in process.stdout.readline():
            pass
        for _ in range(presses):
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)
        assert process.wait(60) == 130
        process.stdout.close()
    import av

    with av.open(str(tmp_path / "out1.mp4")) as video:
        assert 0 < len(list(video.decode(video=0))) < 2000
    assert not list(tmp_path.glob(".ganstyle-*"))


@pytest.fixture
def run_video() -> Callable[..., "subprocess.Popen[str]"]:
    """Return a function that starts ``ganstyle video`` as a process."""

    def run(*arguments: object) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "ganstyle", "video", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    return run
