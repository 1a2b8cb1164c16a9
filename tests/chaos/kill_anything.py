"""Kill trainings with -9 at random moments, and make sure that nothing is lost.

    python -m tests.chaos.kill_anything --kills 20
    python -m tests.chaos.kill_anything --kills 20 --processes 2

A tiny training runs once undisturbed. Then it is started over and over, killed each time at a random moment
(with two processes, sometimes only one of them), until it has been killed often enough and may finish; if it
finishes before, another one is disturbed. Every restart must continue from a whole state, and every final
state must equal the undisturbed one to the bit.
"""

import argparse
import random
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from tests.chaos.programs import LONGEST, kill, start

_RECIPE = """
name: {name}
steps: {steps}
batch_size: 2
image_size: 32
precision: fp32
workers: 0
vgg: distilled
content: {{path: {folder}/photos}}
style: {{path: {folder}/painting.png, size: 32}}
generator: {{name: lean, width: 4, blocks: 1, kernel: 3}}
discriminator: {{name: patchgan, width: 4, layers: 1, patch_size: 16}}
balance: {{}}
run: {{dir: {folder}/runs, log_every: 1, sample_every: 0, save_every: 3}}
"""


@dataclass
class Tally:
    """What has happened.

    Attributes:
        trainings: how many trainings were disturbed.
        kills: how often one was killed.
        single: how many of these hit one process of several.
        resumed: how many restarts continued from a saved state.
        most_lost: the most steps that one kill has cost.
    """

    trainings: int = 0
    kills: int = 0
    single: int = 0
    resumed: int = 0
    most_lost: int = 0


def make_data(folder: Path) -> None:
    """Make three photos and a painting."""
    rng = np.random.default_rng(0)
    (folder / "photos").mkdir()
    for name in ("photos/a.png", "photos/b.png", "photos/c.png", "painting.png"):
        Image.fromarray(rng.integers(0, 256, (40, 44, 3), dtype=np.uint8)).save(folder / name)


def begin(folder: Path, name: str, steps: int, processes: int) -> "subprocess.Popen[str]":
    """Start the training."""
    recipe = folder / f"{name}.yaml"
    recipe.write_text(_RECIPE.format(name=name, steps=steps, folder=folder))
    return start("train", str(recipe), processes=processes, output=subprocess.PIPE, folder=folder)


def finish(folder: Path, name: str, steps: int, processes: int) -> None:
    """Run the training to its end."""
    process = begin(folder, name, steps, processes)
    output, _ = process.communicate(timeout=LONGEST)
    assert process.returncode == 0, output


def start_and_kill(
    folder: Path, name: str, steps: int, processes: int, rng: random.Random, tally: Tally
) -> bool:
    """Start the training, and kill it at a random moment; return whether it was finished before."""
    process = begin(folder, name, steps, processes)
    wait_for, pause = rng.randint(0, 8), rng.random() * (3 if rng.random() < 0.3 else 0.2)
    before, seen, output, killed = latest(folder, name), 0, [], False
    deadline = time.monotonic() + LONGEST
    assert process.stdout is not None
    for line in process.stdout:
        output.append(line)
        seen += bool(re.match(r"step \d+/", line))
        if "resumed from" in line:
            tally.resumed += 1
            assert f"step {before}" in line, f"state {before} was lost: {line}"
        if seen >= wait_for and not killed and process.poll() is None:
            time.sleep(pause)
            killed = True
            tally.single += kill(process, rng)
        assert time.monotonic() < deadline, "a training hangs:\n" + "".join(output[-20:])
    process.wait(timeout=LONGEST)
    said = [int(found[1]) for line in output if (found := re.match(r"step (\d+)/", line))]
    if process.returncode == 0:
        return True
    assert killed, f"a training failed that nobody killed ({process.returncode}):\n" + "".join(output[-20:])
    tally.kills += 1
    lost = max(said, default=before) - latest(folder, name)
    tally.most_lost = max(tally.most_lost, lost)
    print(f"kill {tally.kills} at step {max(said, default=before)}: {lost} steps lost", flush=True)
    return False


def latest(folder: Path, name: str) -> int:
    """Return the step of the newest saved state."""
    states = (folder / "runs" / name / "checkpoints").glob("step-*")
    return max((int(state.name[5:]) for state in states), default=0)


def final(folder: Path, name: str, steps: int) -> dict[str, Any]:
    """Return the final state."""
    path = folder / "runs" / name / "checkpoints" / f"step-{steps:06d}" / "state.pt"
    values: dict[str, Any] = torch.load(path, weights_only=True)
    return {key: value for key, value in values.items() if key != "seconds"}


def same(first: Any, second: Any) -> bool:
    """Compare nested values to the bit."""
    if isinstance(first, Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second)


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng, tally, equal = random.Random(given.seed), Tally(), True
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_data(folder)
        finish(folder, "whole", given.steps, given.processes)
        undisturbed = final(folder, "whole", given.steps)
        while tally.kills < given.kills:  # one training may end before it has been killed often enough
            tally.trainings += 1
            name = f"killed{tally.trainings}"
            while tally.kills < given.kills:
                if start_and_kill(folder, name, given.steps, given.processes, rng, tally):
                    break
            else:
                finish(folder, name, given.steps, given.processes)
            equal &= same(undisturbed, final(folder, name, given.steps))
    print(
        f"{tally.kills} kills ({tally.single} of one process only) of {tally.trainings} trainings, "
        f"{tally.resumed} resumed, "
        f"at most {tally.most_lost} steps lost by one; final states equal to the bit: {equal}"
    )
    sys.exit(not equal)


if __name__ == "__main__":
    main()
