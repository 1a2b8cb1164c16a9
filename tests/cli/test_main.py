import errno
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ganstyle import __version__
from ganstyle import style as checkpoint
from ganstyle.cli import app
from ganstyle.errors import GanstyleError
from tests.fork_server import ForkServer

ROOT = Path(__file__).parents[2]
COMMANDS = ("train", "stylize", "demo", "styles", "doctor")
HEAVY = ("accelerate", "gradio", "kornia", "numpy", "pydantic", "scipy", "torch", "torchvision", "yaml")


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(app, arguments)


# --- in this process


def test_version() -> None:
    result = invoke("--version")
    assert result.exit_code == 0
    assert result.stdout == f"ganstyle {__version__}\n"


def test_help_names_every_command() -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    for command in COMMANDS:
        assert re.search(rf"^  {command} +\S", result.stdout, re.MULTILINE)
    assert "--debug" in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    result = invoke(command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize(
    "arguments", [["trian"], ["--bogus"], ["distill"], ["train", "--bogus"], ["styles", "--json"]]
)
def test_bad_usage(arguments: list[str]) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in result.stderr


def test_no_arguments_prints_help() -> None:
    result = invoke()
    assert result.exit_code == 2
    assert "Commands:" in result.output


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(checkpoint, "shipped_styles", fail)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (GanstyleError("it is wrong; mend it"), "ganstyle: it is wrong; mend it"),
        (GanstyleError("one\n  two"), "ganstyle: one two"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/a/b"),
            "ganstyle: [Errno 28] No space left on device: '/a/b'",
        ),
    ],
)
def test_ganstyle_error_is_one_line(monkeypatch: pytest.MonkeyPatch, error: Exception, line: str) -> None:
    fail_with(monkeypatch, error)
    result = invoke("styles")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == f"{line}\n"


@pytest.mark.parametrize("error", [GanstyleError("it is wrong"), MemoryError()])
def test_errors_say_which_rank_reports_them(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    fail_with(monkeypatch, error)
    monkeypatch.setenv("RANK", "3")
    assert invoke("styles").stderr.startswith("ganstyle (rank 3): ")
    monkeypatch.setenv("RANK", "0")
    assert invoke("styles").stderr.startswith("ganstyle: ")


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    error = GanstyleError("it is wrong")
    fail_with(monkeypatch, error)
    assert invoke("--debug", "styles").exception is error


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: not enough memory")])
def test_out_of_memory_is_one_line(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    fail_with(monkeypatch, error)
    result = invoke("styles")
    assert result.exit_code == 2
    assert result.stderr == "ganstyle: not enough memory; give smaller sizes, or another --device\n"
    assert invoke("--debug", "styles").exception is error


def test_programming_errors_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ZeroDivisionError("ours")
    fail_with(monkeypatch, error)
    result = invoke("styles")
    assert result.exception is error
    assert result.exit_code == 1


def test_closed_pipe_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in ``ganstyle styles | head -n 0``."""
    fail_with(monkeypatch, BrokenPipeError(errno.EPIPE, "Broken pipe"))
    assert invoke("styles").stderr == ""


# --- for real


@pytest.mark.parametrize("entrance", [["-m", "ganstyle"], ["cli.py"]], ids=["module", "script"])
def test_help_loads_no_torch(entrance: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, "-X", "importtime", *entrance, "--help"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0
    assert "Commands:" in result.stdout
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in result.stderr.splitlines()}
    assert {"ganstyle", "typer"} <= loaded
    assert loaded.isdisjoint(HEAVY)
    assert "importlib.metadata" not in result.stderr  # takes as long as Typer


def test_error_exit_codes_of_a_process(fork_server: ForkServer, tmp_path: Path) -> None:
    process = fork_server.start(
        "-m", "ganstyle", "train", "missing.yaml", environment=os.environ, cwd=tmp_path
    )
    output, errors = process.stdout.read(), process.stderr.read()
    assert process.wait() == 2
    process.close()
    assert output == ""
    (line,) = errors.splitlines()
    assert line.startswith("ganstyle: missing.yaml: the recipe cannot be read")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_at_exit_keeps_the_exit_code() -> None:
    """A second Ctrl-C may come when the first one has done its work, and Python is closing down."""
    code = (
        "import os, signal, sys; from ganstyle.cli import main; sys.argv[1:] = ['styles', '--no']\n"
        "try: main()\n"
        "finally: os.kill(os.getpid(), signal.SIGINT)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "KeyboardInterrupt" not in done.stderr
