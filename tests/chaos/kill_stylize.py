"""Kill the stylizing of a folder with -9 at random moments, and make sure that every picture is whole.

    python -m tests.chaos.kill_stylize --photos 500 --kills 5
    python -m tests.chaos.kill_stylize --photos 500 --kills 5 --processes 2

Each start goes on where the last one was killed (with two processes, sometimes only one of them is). Pictures
that were there at a kill must never be touched again; so only those in flight can be painted twice. In the
end every photo must have its picture, the same as if it had been painted undisturbed, and nothing else may
be left.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ganstyle.images import read_image
from ganstyle.losses import StyleTarget
from ganstyle.recipe import Recipe
from ganstyle.style import build_generator, load_style, save_style
from tests.chaos.programs import LONGEST, kill, start

_WORDS = ["photos", "-s", "tiny.safetensors", "-o", "out", "--skip", "name", "--json", "sum.json", "-q"]


@dataclass
class Tally:
    """What has happened.

    Attributes:
        kills: how often the command was killed.
        single: how many of these hit one process of several.
        done_at: how many pictures there were at each kill.
        seen: the inode and time of each picture when it was first seen.
    """

    kills: int = 0
    single: int = 0
    done_at: list[int] = field(default_factory=list)
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)

    def look(self, output: Path) -> None:
        """Look at the pictures that there are; none may have changed."""
        now = {path.name: path.stat() for path in output.glob("*.png")}
        for name, status in now.items():
            identity = (status.st_ino, status.st_mtime_ns)
            assert self.seen.setdefault(name, identity) == identity, f"{name} was painted again"
        assert self.seen.keys() <= now.keys(), f"lost: {self.seen.keys() - now.keys()}"


def make_data(folder: Path, photos: int) -> None:
    """Make photos and a style."""
    rng = np.random.default_rng(0)
    (folder / "photos").mkdir()
    for index in range(photos):
        pixels = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{index:06}.png")
    values = {
        "name": "tiny",
        "style": {"path": "none.jpg"},
        "generator": {"name": "lean", "width": 4, "blocks": 1, "kernel": 3},
    }
    recipe = Recipe.parse(values, source="chaos")
    target = StyleTarget(({"relu1_2": torch.eye(2)},))
    save_style(folder / "tiny.safetensors", build_generator(recipe), recipe, target, {})


def begin(folder: Path, processes: int) -> "subprocess.Popen[str]":
    """Start the command."""
    return start("stylize", *_WORDS, processes=processes, output=subprocess.DEVNULL, folder=folder)


def start_and_kill(folder: Path, processes: int, until: int, rng: random.Random, tally: Tally) -> None:
    """Start the command, and kill it once there are so many pictures."""
    process = begin(folder, processes)
    deadline = time.monotonic() + LONGEST
    while sum(1 for _ in (folder / "out").glob("*.png")) < until:
        assert process.poll() is None, f"ended by itself with {process.returncode}"
        assert time.monotonic() < deadline, "hangs"
        time.sleep(0.01)
    time.sleep(rng.random() * 0.05)
    if process.poll() is None:
        tally.single += kill(process, rng)
        tally.kills += 1
    process.wait(timeout=LONGEST)
    tally.look(folder / "out")
    tally.done_at.append(len(tally.seen))


def check(folder: Path, photos: int) -> int:
    """Compare all pictures with undisturbed ones; return how many differ by more than rounding."""
    style, names = load_style(folder / "tiny.safetensors"), [f"{index:06}.png" for index in range(photos)]
    left = sorted(path.name for path in (folder / "out").iterdir())
    assert left == names, f"left over or missing: {set(left) ^ set(names)}"
    different = 0
    for name in names:
        expected = style(read_image(folder / "photos" / name))
        different += bool((read_image(folder / "out" / name) - expected).abs().max() > 1.01 / 255)
    return different


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng, tally = random.Random(given.seed), Tally()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_data(folder, given.photos)
        for until in sorted(rng.sample(range(1, given.photos * 9 // 10), given.kills)):
            if until > len(tally.seen):
                start_and_kill(folder, given.processes, until, rng, tally)
        last = begin(folder, given.processes)
        assert last.wait(timeout=LONGEST) == 0, "the last start failed"
        tally.look(folder / "out")
        different = check(folder, given.photos)
        record = json.loads((folder / "sum.json").read_text())
        assert record["failed"] == 0
        assert record["done"] + record["skipped"] == given.photos
    print(
        f"{tally.kills} kills ({tally.single} of one process only), at {tally.done_at} pictures; "
        f"{len(tally.seen)} of {given.photos} pictures, {different} damaged, 0 painted again"
    )
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
