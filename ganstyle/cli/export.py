"""``ganstyle export``."""

from pathlib import Path
from typing import Annotated

import typer

from ganstyle.cli.outputs import check_outputs
from ganstyle.cli.progress import tell


def export(
    style: Annotated[
        str,
        typer.Option(
            "-s",
            "--style",
            help="A shipped style's name, a checkpoint's path, or a painting.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write.", show_default=False)],
    export_format: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help="onnx or pt2; by the output's suffix if not given."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Export a style as an ONNX or .pt2 graph.

    It runs without ganstyle, and takes photos of any number and size, and the strength if the style was
    trained with it. It is compared with the style at five sizes; if they differ, nothing is written.
    """
    from ganstyle.export import export_style
    from ganstyle.style import load_style

    check_outputs(saved=output, force=force)
    difference = export_style(load_style(style), output, export_format)
    size = output.stat().st_size / 2**20
    tell(f"{output}: {size:.1f} MiB, at most {difference:.1g} from the style")
