"""Starting the command that is to be killed, and killing it."""

import os
import random
import subprocess
import sys
from pathlib import Path

import psutil

LONGEST = 300
"""Seconds that a start may take."""


def start(*words: str, processes: int, output: int, folder: Path) -> "subprocess.Popen[str]":
    """Start ``ganstyle`` on the CPU, by torchrun if there are several processes.

    Args:
        words: the command's arguments.
        processes: how many.
        output: where what they write goes, as for `subprocess.Popen`.
        folder: where they start.
    """
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    paths = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    own = {
        "ACCELERATE_USE_CPU": "true",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
    }
    return subprocess.Popen(
        [sys.executable, *(launcher if processes > 1 else ()), "-m", "ganstyle", *words],
        cwd=folder,
        env=os.environ | own,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
    )


def kill(process: "subprocess.Popen[str]", rng: random.Random) -> bool:
    """Kill with -9: everything, or one rank of several; return whether it was only one."""
    launcher = psutil.Process(process.pid)
    ranks = launcher.children()
    if ranks and rng.random() < 0.5:
        ranks[rng.randrange(len(ranks))].kill()
        return True
    for each in (launcher, *ranks):
        each.kill()
    return False
