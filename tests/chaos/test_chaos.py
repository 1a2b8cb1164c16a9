"""Short versions of the chaos program, and trainings under conditions that no one plans for."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ganstyle.recipe import Recipe
from ganstyle.training import train
from tests.chaos import kill_stylize

ROOT = Path(__file__).parents[2]

# Trains from a file of values; the second rank hangs in its second step.
_HANGS = """
import json, os, sys, time
from pathlib import Path

from ganstyle.errors import RunError
from ganstyle.recipe import Recipe
from ganstyle.training import loop

follow = loop.follow_schedule
def hang(state, *arguments, **keywords):
    if os.environ["RANK"] == "1" and state.step == 1:
        time.sleep(20)
        os._exit(1)
    follow(state, *arguments, **keywords)

if __name__ == "__main__":
    loop.follow_schedule = hang
    folder = Path(sys.argv[1])
    try:
        loop.train(Recipe.parse(json.loads((folder / "values.json").read_text()), source="test"))
    except RunError as error:
        (folder / f"error{os.environ['RANK']}.txt").write_text(str(error))
        os._exit(1)
"""


def run_program(name: str, *options: str) -> str:
    """Run a program of this folder and return what it prints."""
    command = [sys.executable, "-m", f"tests.chaos.{name}", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_killed_training_ends_as_an_undisturbed_one(processes: int) -> None:
    options = ["--kills", "2", "--steps", "12", "--processes", str(processes)]
    assert "final states equal to the bit: True" in run_program("kill_anything", *options)


@pytest.mark.parametrize(
    ("photos", "kills", "processes"),
    [
        (60, 1, 1),
        pytest.param(500, 5, 1, marks=pytest.mark.slow),
        pytest.param(500, 5, 2, marks=pytest.mark.slow),
    ],
)
def test_killed_stylizing_leaves_every_picture_whole(
    photos: int,
    kills: int,
    processes: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ["--photos", str(photos), "--kills", str(kills), "--processes", str(processes)]
    monkeypatch.setattr(sys, "argv", ["kill_stylize", *options])
    with pytest.raises(SystemExit, match="False"):
        kill_stylize.main()
    assert f"{photos} of {photos} pictures, 0 damaged, 0 painted again" in capsys.readouterr().out


@pytest.mark.slow
def test_rank_that_hangs_is_one_line_on_the_other(
    tiny: Callable[..., dict[str, Any]],
    run_two_processes: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    monkeypatch.setenv("GANSTYLE_TIMEOUT", "8")
    (tmp_path / "values.json").write_text(json.dumps(tiny()))
    (tmp_path / "rank.py").write_text(_HANGS)
    done = run_two_processes(str(tmp_path / "rank.py"), str(tmp_path))
    assert done.returncode != 0
    message = (tmp_path / "error0.txt").read_text()
    assert message.startswith("another process has")
    assert "the same command continues from the last saved state" in message


@pytest.mark.parametrize("jump", [-1e8, 1e8])
def test_clock_that_jumps(
    tiny: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    def weights(recipe: Recipe) -> dict[str, torch.Tensor]:
        state = torch.load(recipe.folder / "checkpoints" / "step-000004" / "state.pt", weights_only=True)
        generator: dict[str, torch.Tensor] = state["generator"]
        return generator

    constant = {"schedule": "constant"}  # else a training of two steps is another than half of one of four
    whole = Recipe.parse(tiny(name="whole", optimizer=constant), source="test")
    train(whole)
    parts = tiny(name="parts", optimizer=constant)
    train(Recipe.parse(parts | {"steps": 2}, source="test"))
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + jump)
    resumed = Recipe.parse(parts, source="test")
    assert train(resumed).finished
    expected = weights(whole)
    for name, weight in weights(resumed).items():
        assert torch.equal(weight, expected[name])
