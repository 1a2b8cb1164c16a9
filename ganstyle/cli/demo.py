"""``ganstyle demo``."""

from pathlib import Path
from typing import Annotated

import typer

from ganstyle.cli.options import Device
from ganstyle.cli.outputs import check_outputs, is_sink, write_picture
from ganstyle.shipped import EXAMPLE_PHOTO

_NAME = "ganstyle-demo.png"
_STYLE = "starry_night"


def demo(
    style: Annotated[
        str | None,
        typer.Option(
            "-s",
            "--style",
            help=f"A shipped style, a checkpoint, hf://user/name, or a painting; {_STYLE} if not given.",
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The image to write, or a folder for it.")
    ] = Path(_NAME),
    device: Device = "auto",
) -> None:
    """Stylize the photo that ships with ganstyle; works offline.

    Writes the result, and beside it the photo and the result in one picture; to standard output (-o -) or a
    device, the result alone.
    """
    import time

    import torch

    from ganstyle.devices import limit_threads, pick_device
    from ganstyle.images import image_grid, read_image
    from ganstyle.style import load_style, shipped_styles

    if output.is_dir():
        output = output / _NAME
    photo = read_image(EXAMPLE_PHOTO)
    both = None if is_sink(output) else output.with_stem(f"{output.stem}-side-by-side")
    if both:
        _check_replaceable(output, both, image_grid(torch.cat([photo, photo]), 2).shape[-2:])
        check_outputs(image=both, force=True)
    check_outputs(image=output, force=True)
    if style is None:
        shipped = list(shipped_styles())
        style = _STYLE if _STYLE in shipped or not shipped else shipped[0]
    loaded = load_style(style)
    loaded.generator.to(pick_device(device))
    limit_threads()
    start = time.perf_counter()
    result = loaded.paint(photo)
    seconds = time.perf_counter() - start
    # In this order, the next run can replace anything that an interrupted one leaves.
    if both:
        write_picture(image_grid(torch.cat([photo, result]), 2), both)
    write_picture(result, output)
    typer.echo(f"{EXAMPLE_PHOTO.name} in the style {loaded.name} -> {output}  ({seconds:.1f} s)")
    if both:
        typer.echo(f"photo and result side by side -> {both}")


def _check_replaceable(output: Path, both: Path, size_of_both: tuple[int, ...]) -> None:
    """Allow replacing only what an earlier demo wrote: files of these names, with a picture of this size."""
    from ganstyle.errors import GanstyleError
    from ganstyle.images import check_image

    ours = both.is_file() and check_image(both) == tuple(size_of_both)
    if not ours and (output.exists() or both.exists()):
        other = both if both.exists() else output
        raise GanstyleError(f"{other}: exists and was not written by a demo; choose another name with -o")
