"""How much memory the baseline needs above an interpreter that has only imported torch.

Run by hand::

    python tests/benchmarks/gatys_memory.py --vgg FILE --octaves 4

Each measurement runs in a process of its own.
"""

import argparse
import subprocess
import sys

import psutil
import torch

from ganstyle.devices import PeakMemory, fast_dtype
from ganstyle.gatys import LAYERS, GatysSettings, optimize
from ganstyle.weights import find_vgg16, load_vgg16

_STEPS = 20  # more than L-BFGS remembers


def peak_memory(vgg: str, size: int, octaves: int) -> float:
    """Return the resident set's peak during an optimization at that size, in MiB."""
    before = int(psutil.Process().memory_info().rss)
    device = torch.device("cpu")
    settings = GatysSettings(
        steps=_STEPS, tolerance=0.0, scales="single", content_octaves=min(octaves, 3), style_octaves=octaves
    )
    with PeakMemory(device) as memory:
        weights = find_vgg16(vgg, download=False)
        features = load_vgg16(weights, LAYERS, dtype=fast_dtype(device), padding="replicate")
        generator = torch.Generator().manual_seed(0)
        photo, painting = (torch.rand(1, 3, size, size * 3 // 2, generator=generator) for _ in range(2))
        optimize(photo, painting, features=features, settings=settings)
    return (before + memory.bytes) / 2**20


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--vgg", required=True, help="file of VGG-16 weights")
    parser.add_argument("--size", type=int, default=512, help="shorter side in pixels; the other: 1.5 times")
    parser.add_argument("--octaves", type=int, default=GatysSettings().style_octaves)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.here:
        print(peak_memory(arguments.vgg, arguments.size, arguments.octaves))
        return
    bare = ["-c", "import torch, psutil; print(psutil.Process().memory_info().rss / 2**20)"]
    outputs = [
        subprocess.run([sys.executable, *command], check=True, capture_output=True, text=True).stdout
        for command in (bare, [*sys.argv, "--here"])
    ]
    above = float(outputs[1]) - float(outputs[0])
    print(
        f"{arguments.size} px, {arguments.octaves} octaves: {above:.0f} MiB above the interpreter with torch"
    )


if __name__ == "__main__":
    main()
