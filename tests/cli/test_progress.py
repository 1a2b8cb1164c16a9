"""One line on a terminal, plain lines elsewhere, and exit codes that say how a command ended."""

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from ganstyle.cli import app
from ganstyle.cli.progress import ProgressLine, clear_line, clock

ROOT = Path(__file__).parents[2]
CLEAR = "\r\x1b[2K"


class Terminal:
    """Runs a program on a terminal of its own."""

    def __call__(self, *words: object) -> tuple[str, int]:
        main, child = pty.openpty()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
        process = subprocess.Popen(
            [sys.executable, *map(str, words)], stdin=child, stdout=child, stderr=child, env=environment
        )
        os.close(child)
        output = b""
        while True:
            try:
                chunk = os.read(main, 4096)
            except OSError:  # how Linux tells that the other end is closed
                break
            if not chunk:
                break
            output += chunk
        os.close(main)
        return output.decode().replace("\r\n", "\n"), process.wait()


def run(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def recipe(tiny: Callable[..., dict[str, Any]], tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny(steps=4)))
    return path


def test_terminal_progress_rewrites_its_line() -> None:
    program = (
        "from ganstyle.cli.progress import ProgressLine, clear_line, tell\n"
        "from ganstyle.cli.paths import with_paths\n"
        "import time\n"
        "def job():\n"
        "    line = ProgressLine('photos')\n"
        "    for n in range(1, 4):\n"
        "        line(f'[{n}/4] a.jpg', n, 4)\n"
        "        time.sleep(0.01)\n"
        "    tell('saved x')\n"
        "    line('x' * 300)\n"
        "    line('画' * 300)\n"
        "    line('画x' * 50)\n"
        "with_paths(job)()\n"
        "print('end')\n"
    )
    output, code = Terminal()("-c", program)
    assert code == 0
    first, second, third, cleared, long, wide, fits, end = output.split(CLEAR)[1:]
    assert first == "[1/4] a.jpg"
    assert re.fullmatch(r"\[2/4\] a\.jpg  \d+\.\d photos/s  ETA \d+:\d\d", second)
    assert third.startswith("[3/4] a.jpg  ")
    assert cleared == "saved x\n"
    assert long == "x" * 199  # one line, whatever the terminal's width
    assert wide == "画" * 99  # of two columns each
    assert fits == "画x" * 50
    assert end == "end\n"


def test_stylize_on_a_terminal(checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    output, code = Terminal()("-m", "ganstyle", "stylize", photos, "-s", checkpoint, "-o", tmp_path / "out")
    assert code == 0
    assert "photos/s  ETA" in output
    assert output.endswith(f"{CLEAR}3 done\n")
    assert output.count("\n") == 1  # all else was one line


def test_stylize_into_a_pipe_prints_plain_lines(checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    result = run("stylize", photos, "-s", checkpoint, "-o", tmp_path / "out")
    assert "\x1b" not in result.stdout
    lines = result.stdout.splitlines()
    assert [line[:6] for line in lines] == ["[1/3] ", "[2/3] ", "[3/3] ", "3 done"]


def test_plain_progress_is_rate_limited(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    line = ProgressLine()
    for _ in range(10):
        now += 0.5
        line(f"at {now:g}")
    assert capsys.readouterr().out == "at 102\nat 104\n"
    line("now", always=True)
    assert capsys.readouterr().out == "now\n"
    clear_line()
    assert capsys.readouterr().out == ""


def test_format_clock() -> None:
    assert [clock(seconds) for seconds in (0.4, 59.6, 3599, 3661)] == ["0:00", "1:00", "59:59", "1:01:01"]


# --- quiet


@pytest.mark.parametrize("option", ["-q", "--quiet"])
def test_quiet_stylize(checkpoint: Path, photos: Path, tmp_path: Path, option: str) -> None:
    words = ["stylize", photos, tmp_path / "missing.jpg", "-s", checkpoint, "-o", tmp_path / "out", option]
    result = run(*words)
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert "missing.jpg" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert len(list((tmp_path / "out").rglob("*.*"))) == 3


def test_quiet_train(recipe: Path) -> None:
    result = run("train", recipe, "--quiet")
    assert (result.exit_code, result.output) == (0, "")


def test_quiet_results_are_printed(
    checkpoint: Path, photos: Path, painting: Path, random_vgg16: None, small_fid: None, tmp_path: Path
) -> None:
    loud = run("optimize", photos / "a.png", painting, "-o", tmp_path / "a.png", "--steps", "2")
    quiet = run("optimize", photos / "a.png", painting, "-o", tmp_path / "b.png", "--steps", "2", "-q")
    assert (loud.exit_code, quiet.exit_code) == (0, 0), (loud.output, quiet.output)
    assert loud.stdout != ""
    assert quiet.stdout == ""


# --- exit codes


def test_interrupted_training_exit_code(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ganstyle.training import loop

    original = loop._train_on

    def stop_at_first(*arguments: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return original(*arguments)

    monkeypatch.setattr(loop, "_train_on", stop_at_first)
    result = run("train", recipe)
    assert result.exit_code == 130
    assert "stopped at step 1; the same command continues from there" in result.stdout
    monkeypatch.undo()
    assert run("train", recipe).exit_code == 0


def test_ctrl_c_exit_code_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def press() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ganstyle.style.shipped_styles", press)
    result = run("styles")
    assert (result.exit_code, result.stderr) == (130, "ganstyle: interrupted\n")


def test_exit_codes_are_documented() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (\d+) \|", page, flags=re.MULTILINE) == ["0", "1", "2", "130"]
