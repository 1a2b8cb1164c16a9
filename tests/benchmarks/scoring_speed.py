"""How long scoring takes, and whether its memory grows with the number of photos.

python tests/benchmarks/scoring_speed.py [--photos 60] [--size 256] [--vgg auto]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from ganstyle.images import write_image

_CHILD = """
import json, resource, sys, time
from pathlib import Path
from ganstyle.style import load_style
from ganstyle.evaluate import choose_photos, load_evaluation_models, score_style, style_evaluator

folder, count, size, vgg, painting = sys.argv[1:]
began = time.perf_counter()
style = load_style("starry_night")
models = load_evaluation_models(vgg, "off")
photos = choose_photos(folder, int(count)).photos
evaluator, _ = style_evaluator(models, photos, style, size=int(size), painting=painting)
score_style(style, evaluator)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": time.perf_counter() - began, "cpu": time.process_time(), "peak": peak}))
"""


def main() -> None:
    """Score a few photos and many, each in a process of its own, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--vgg", default="auto")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_image(torch.rand(3, 300, 400), folder / "painting.png")
        for number in range(options.photos):
            write_image(
                torch.rand(3, options.size, options.size * 3 // 2), folder / "photos" / f"{number}.png"
            )
        found = {}
        for count in (max(2, options.photos // 6), options.photos):
            arguments = (folder / "photos", count, options.size, options.vgg, folder / "painting.png")
            output = subprocess.run(
                [sys.executable, "-c", _CHILD, *map(str, arguments)],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            ).stdout
            found[count] = json.loads(output)
            print(
                "{:4} photos: {seconds:.1f} s, {cpu:.1f} s of processors, peak {peak:.0f} MiB".format(
                    count, **found[count]
                ),
                flush=True,
            )
        few, many = found.values()
        print(f"peak memory of many over that of few: {many['peak'] / few['peak']:.3f}")


if __name__ == "__main__":
    main()
