"""``ganstyle styles``: what can be given to ``-s``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ganstyle.cli.options import ForceJson
from ganstyle.cli.outputs import check_outputs, write_json


def styles(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[CHECKPOINT]...", help="Your own styles; default: shipped."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write everything known to a file.")
    ] = None,
    force: ForceJson = False,
) -> None:
    """List the shipped styles, or show your own."""
    from ganstyle.errors import one_line
    from ganstyle.files import sha256
    from ganstyle.style import find_style, load_style, shipped_styles

    shipped = list(shipped_styles().values())
    check_outputs(json_file=json_file, inputs=() if paths else shipped, force=force)
    rows: list[dict[str, Any]] = []
    for path in map(find_style, paths or shipped):
        style = load_style(path)
        rows.append(
            {
                **style.info,
                "name": style.name,
                "path": str(path),
                "bytes": path.stat().st_size,
                "sha256": sha256(path),
                "recipe": style.recipe.to_dict(),
            }
        )
    if not rows:
        typer.echo("no styles are shipped with this installation; train one: ganstyle train RECIPE")
    for row in rows:
        painting = row["recipe"]["style"]
        credit = ", ".join(
            str(painting[key]) for key in ("title", "author", "year", "license") if painting[key]
        )
        scores = row.get("scores") or {}
        known = [key for key in ("content", "style", "style_coarse") if scores.get(key) is not None]
        measured = "  ".join(f"{key} {scores[key]:.3f}" for key in known)
        typer.echo(f"{row['name']:<20} {row['bytes'] / 1e6:5.1f} MB  {measured:<28} {one_line(credit)}")
    if json_file:
        write_json(json_file, rows)
