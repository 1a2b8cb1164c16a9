"""``ganstyle average``."""

from pathlib import Path
from typing import Annotated

import typer

from ganstyle.cli.outputs import check_outputs
from ganstyle.cli.progress import tell


def average(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Styles, or generators for any painting.", show_default=False),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write.", show_default=False)],
    weights: Annotated[
        str | None, typer.Option(metavar="1,2,…", help="The weight of each file; all alike if not given.")
    ] = None,
    strength: Annotated[
        float, typer.Option(metavar="S", help="The strength that is to be 1 in the new style, up to 1.5.")
    ] = 1.0,
    compact: Annotated[bool, typer.Option("--compact", help="Write a style of half the size.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Average the weights of several trainings that went on from one.

    The mean is often closer to the painting than each of them, and has fewer artifacts. Files from different
    random weights have no useful mean.
    """
    from ganstyle.anystyle import find_any, is_any, load_any
    from ganstyle.averaging import average_any, average_styles
    from ganstyle.cli.inputs import read_shares
    from ganstyle.errors import GanstyleError
    from ganstyle.style import load_style

    shares = read_shares(weights, len(files), option="--weights", of="files")
    check_outputs(saved=output, force=force)
    kinds = [file == "any" or is_any(file) for file in files]
    if not any(kinds):
        average_styles([load_style(file) for file in files], shares, strength=strength).save(
            output, compact=compact
        )
    elif not all(kinds):
        other = files[kinds.index(False)]
        raise GanstyleError(f"{other}: not a generator for any painting, as others are; average one kind")
    elif strength != 1:
        raise GanstyleError("--strength: a generator for any painting has none of its own; leave it out")
    elif compact:
        raise GanstyleError("--compact: is for styles, not for a generator for any painting; leave it out")
    else:
        average_any([load_any(find_any(file)) for file in files], shares).save(output)
    tell(f"{output}: the mean of {len(files)} files")
