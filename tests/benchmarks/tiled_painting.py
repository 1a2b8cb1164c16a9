"""What tiles cost and change, by where their statistics come from, against painting at once.

    python tests/benchmarks/tiled_painting.py PHOTO… --style starry_night

For each photo, cut to 2048x1536: the mean difference from painting at once, in levels of 255, and the time.
"""

import copy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn

from ganstyle.images import read_image, resize
from ganstyle.style import load_style
from ganstyle.stylize.grid import Tile, divide
from ganstyle.stylize.locality import measure_locality
from ganstyle.stylize.statistics import SharedStatistics
from ganstyle.stylize.tiles import TiledPainter

HEIGHT, WIDTH = 1536, 2048
THUMBNAIL = (768, 1024)


def cut(photo: Tensor) -> Tensor:
    """Cut a photo to the size that is measured."""
    scale = min(photo.shape[-2] / HEIGHT, photo.shape[-1] / WIDTH)
    return resize(photo[..., : int(HEIGHT * scale), : int(WIDTH * scale)], (HEIGHT, WIDTH))


def with_statistics_of(generator: nn.Module, photo: Tensor, source: Tensor, tiles: list[Tile]) -> Tensor:
    """Paint a photo in tiles, with the statistics of tiles of another picture."""
    own = copy.deepcopy(generator)
    statistics = SharedStatistics(own)
    for _ in statistics.paint(own, tiles, lambda tile: tile.seen(source)):
        pass
    result = torch.empty_like(photo)
    for tile in divide(HEIGHT, WIDTH, 512, measure_locality(generator)):
        for _, painted in statistics.paint(own, [tile], lambda tile: tile.seen(photo)):
            tile.place(result).copy_(painted)
    return result


@torch.inference_mode()
def main(
    photos: list[Path],
    style: Annotated[str, typer.Option()] = "starry_night",
    threads: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Compare ways to paint in tiles."""
    torch.set_num_threads(threads)
    generator = load_style(style).generator
    locality = measure_locality(generator)
    typer.echo(f"{style}: reach {locality.reach}, multiple {locality.multiple}")
    spread = sorted(divide(HEIGHT, WIDTH, 64, locality), key=lambda t: hash((t.rows.start, t.columns.start)))
    ways: dict[str, Callable[[Tensor], Tensor]] = {
        **{f"in step, {side}": TiledPainter(generator, None, side) for side in (1024, 512, 300)},
        "1024-pixel copy": lambda photo: with_statistics_of(
            generator, photo, resize(photo, THUMBNAIL), divide(*THUMBNAIL, 2048, locality)
        ),
        "200 tiles of 64": lambda photo: with_statistics_of(generator, photo, photo, spread[:200]),
    }
    for path in photos:
        photo = cut(read_image(path))
        start = time.perf_counter()
        whole = generator(photo)
        seconds = time.perf_counter() - start
        typer.echo(f"{path.name}: at once {seconds:.1f} s")
        for name, paint in ways.items():
            start = time.perf_counter()
            difference = float((paint(photo) - whole).abs().mean()) * 255
            relative = (time.perf_counter() - start) / seconds
            typer.echo(f"  {name:<16} {difference:8.5f} levels, {relative:.2f} times the time")


if __name__ == "__main__":
    typer.run(main)
