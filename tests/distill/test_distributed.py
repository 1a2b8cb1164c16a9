"""A distillation in two processes on a CPU, launched and continued as a user would."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml

RecipeMaker = Callable[..., dict[str, Any]]


def _launch(recipe: Path, *overrides: str) -> str:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"),
            *("-m", "ganstyle", "distill", str(recipe), *overrides),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_processes_hold_one_student_and_pictures_of_their_own(tiny: RecipeMaker, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(tiny(steps=2, run=tiny()["run"] | {"save_every": 1})))
    # The weights are compared whenever they are saved; had they drifted apart, the launch would have failed.
    assert "done: " in _launch(recipe)
    states = tmp_path / "runs" / "tiny" / "checkpoints"
    values = torch.load(states / "step-000002" / "state.pt", weights_only=True)
    assert values["photos"] == 2 * 2 * 2
    first, second = (pictures["pool"] for pictures in values["pictures"])
    assert not torch.equal(first, second)
    (states / "step-000002" / "manifest.json").unlink()  # as if the machine had failed there
    assert "resumed from" in (text := _launch(recipe))
    assert "at step 1" in text
