"""A distillation in two processes on a CPU, launched and continued as a user would."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml

from tests.fork_server import ForkServer

RecipeMaker = Callable[..., dict[str, Any]]


def test_two_processes_share_the_student_and_keep_own_images(
    tiny: RecipeMaker, fork_server: ForkServer, tmp_path: Path
) -> None:
    def launch() -> str:
        (code, output, errors), other = fork_server.run_ranks("-m", "ganstyle", "distill", str(recipe))
        assert code == other[0] == 0, (errors, other)
        return output

    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(tiny(steps=2, run=tiny()["run"] | {"save_every": 1})))
    # The weights are compared whenever they are saved; had they drifted apart, the launch would have failed.
    assert "done: " in launch()
    states = tmp_path / "runs" / "tiny" / "checkpoints"
    values = torch.load(states / "step-000002" / "state.pt", weights_only=True)
    assert values["photos"] == 2 * 2 * 2
    first, second = (pictures["pool"] for pictures in values["pictures"])
    assert not torch.equal(first, second)
    (states / "step-000002" / "manifest.json").unlink()  # as if the machine had failed there
    assert "resumed from" in (text := launch())
    assert "at step 1" in text
