"""Compare the rate of a folder and of a shard, from file to file, with that of the bare generator.

    python tests/benchmarks/collection_rate.py --style wave --photos 12 --turns 3

Alternates in one run: the generator on photos that lie in memory, a folder of JPEGs, and a shard of them. The
best of the turns counts. Processor time is printed too: on a machine that has other work it is what can be
trusted.
"""

import argparse
import tarfile
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from ganstyle.devices import limit_threads
from ganstyle.images import read_image, resize, write_image
from ganstyle.style import load_style
from ganstyle.stylize import plan_outputs, stylize_image, stylize_plan
from ganstyle.stylize.plan import plan_shards
from ganstyle.stylize.scale.shards import stylize_shards

_PHOTO = Path(__file__).parents[2] / "ganstyle" / "assets" / "astronaut.jpg"


def measure(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that something takes: by the clock, and of processor time."""
    start, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - used


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--style", default="wave")
    parser.add_argument("--photos", type=int, default=12)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    limit_threads()
    style = load_style(given.style)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photo = resize(read_image(_PHOTO), (given.size, given.size))
        for index in range(given.photos):  # each another one
            write_image(photo.roll(7 * index, -1), folder / "in" / f"{index:04}.jpg")
        with tarfile.open(folder / "0.tar", "w") as tar:
            for path in sorted((folder / "in").iterdir()):
                tar.add(path, path.name)
        photos = [read_image(path) for path in sorted((folder / "in").iterdir())]
        side = style.trained_side

        def bare(turn: int) -> None:
            for image in photos:
                stylize_image(style.generator, image, trained_side=side)

        def files(turn: int) -> None:
            plan = plan_outputs([folder / "in"], folder / f"out-{turn}")
            assert stylize_plan(style.generator, plan, trained_side=side).done == given.photos

        def shard(turn: int) -> None:
            output = folder / f"shards-{turn}"
            plan = plan_shards([folder / "0.tar"], output)
            assert stylize_shards(style.generator, plan, output).done == given.photos

        ways = {"bare generator": bare, "folder": files, "shard": shard}
        stylize_image(style.generator, photos[0], trained_side=side)  # warms up
        times: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for turn in range(given.turns):
            for way, work in ways.items():
                times[way].append(measure(partial(work, turn)))
    print(f"{given.style}, {given.size}x{given.size}, {torch.get_num_threads()} threads")
    best = {way: tuple(min(values) for values in zip(*taken, strict=True)) for way, taken in times.items()}
    for way, (wall, used) in best.items():
        print(
            f"{way:<15} {given.photos / wall:6.2f} photos/s ({best['bare generator'][0] / wall:5.1%})   "
            f"{used / given.photos * 1000:6.1f} ms of processor time a photo "
            f"({used / best['bare generator'][1]:5.1%})"
        )


if __name__ == "__main__":
    main()
