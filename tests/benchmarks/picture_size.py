"""What a megapixel of a large picture costs, against one of a one-megapixel picture.

    python tests/benchmarks/picture_size.py 3840x2160 8192x8192 --style wave

Paints a picture of one megapixel before and after each larger one, in one process. Prints processor time: on
a machine that has other work it is what can be trusted. From 32 megapixels on, pictures are painted from file
to file (extra ``large``), and reading and writing the file count as well.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import torch
import typer

from ganstyle.images import read_image, resize, write_image
from ganstyle.style import Style, load_style
from ganstyle.stylize import Controls, parse_stroke_size
from ganstyle.stylize.large import LARGE, stylize_large

_PHOTO = Path(__file__).parents[2] / "ganstyle" / "assets" / "astronaut.jpg"
_ONE = (866, 1155)


def seconds_per_megapixel(work: Callable[[], object], size: tuple[int, int]) -> float:
    """Return the processor time that something takes for each megapixel."""
    start = time.process_time()
    work()
    return (time.process_time() - start) / (size[0] * size[1] / 1e6)


def cost(style: Style, size: tuple[int, int], controls: Controls) -> float:
    """Return the processor time for a megapixel of a picture of a height and width, in seconds."""
    photo = resize(read_image(_PHOTO), (min(size[0], 4096), min(size[1], 4096)))
    if size[0] * size[1] <= LARGE:
        whole = resize(photo, size)
        return seconds_per_megapixel(lambda: style.paint(whole, controls), size)
    with tempfile.TemporaryDirectory() as name:
        source, output = Path(name, "in.tif"), Path(name, "out.tif")
        repeats = (1, 1, -(-size[0] // photo.shape[-2]), -(-size[1] // photo.shape[-1]))
        write_image(photo.repeat(repeats)[..., : size[0], : size[1]], source)
        del photo
        return seconds_per_megapixel(
            lambda: stylize_large(style.generator, source, output, controls, trained_side=style.trained_side),
            size,
        )


def main(
    sizes: list[str],
    style: Annotated[str, typer.Option()] = "wave",
    stroke_size: Annotated[str, typer.Option()] = "1",
    threads: Annotated[int, typer.Option(min=1)] = 1,
) -> None:
    """Measure pictures of some sizes, given as WIDTHxHEIGHT."""
    torch.set_num_threads(threads)
    loaded, controls = load_style(style), Controls(stroke_size=parse_stroke_size(stroke_size))
    cost(loaded, _ONE, controls)  # warms up
    for text in sizes:
        width, height = map(int, text.split("x"))
        before = cost(loaded, _ONE, controls)
        large = cost(loaded, (height, width), controls)
        one = (before + cost(loaded, _ONE, controls)) / 2
        typer.echo(f"{style}: 1155x866 {one:.2f} s/MP, {text} {large:.2f} s/MP, {large / one:.2f} times")


if __name__ == "__main__":
    typer.run(main)
