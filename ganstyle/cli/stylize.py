"""``ganstyle stylize``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ganstyle.stylize import FileEvent


def stylize(
    photos: Annotated[
        list[Path],
        typer.Argument(metavar="PHOTO", help="Photos, and folders of photos.", show_default=False),
    ],
    style: Annotated[
        str,
        typer.Option(
            "-s", "--style", help="A shipped style's name or a checkpoint's path.", show_default=False
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="The folder for the results, which keep their photos' names; or an image file.",
            show_default=False,
        ),
    ],
    strength: Annotated[
        float, typer.Option(help="How strongly: 0 is the photo, 1 the style as trained, at most 1.5.")
    ] = 1.0,
    preserve_color: Annotated[
        bool, typer.Option("--preserve-color", help="Keep the photos' colors; change only light and dark.")
    ] = False,
    mask: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="An image of the photos' proportions: white is painted."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace results that exist. Photos never are.")
    ] = False,
    max_pixels: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Refuse larger photos (pixels; 100 million if not given)."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    compiled: Annotated[
        bool,
        typer.Option("--compile", help="Compile the style first: takes minutes, gains little on a CPU."),
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write what became of each photo.")
    ] = None,
) -> None:
    """Turn photos into paintings.

    Photos that cannot be read are passed over. The exit code is 0 if every photo was stylized, 1 if
    some were not, and 2 if none was.
    """
    from ganstyle.devices import check_compiler, limit_threads, pick_device
    from ganstyle.files import atomic_write
    from ganstyle.images import MAX_PIXELS
    from ganstyle.style import load_style
    from ganstyle.stylize import Controls, read_mask, stylize_files

    controls = Controls(strength, preserve_color, None if mask is None else read_mask(mask))
    loaded = load_style(style)
    loaded.generator.to(pick_device(device))
    limit_threads()
    if compiled:
        check_compiler()
        loaded.generator.compile(dynamic=True)
    events: list[FileEvent] = []

    def report(event: "FileEvent") -> None:
        events.append(event)
        if event.status == "done":
            place = f"[{event.index}/{event.total}] " if event.total > 1 else ""
            typer.echo(f"{place}{event.source} -> {event.output}  ({event.seconds:.1f} s)")
        else:
            typer.echo(event.message, err=True)

    summary = stylize_files(
        loaded.generator,
        photos,
        output,
        controls=controls,
        overwrite=force,
        max_pixels=MAX_PIXELS if max_pixels is None else max_pixels,
        on_event=report,
    )
    counts = {"done": summary.done, "failed": summary.failed, "skipped": summary.skipped}
    typer.echo(", ".join(f"{n} {name}" for name, n in counts.items() if n or name == "done"))
    if json_file is not None:
        files = [
            {
                "source": str(event.source),
                "output": str(event.output),
                "status": event.status,
                "seconds": round(event.seconds, 4),
                "message": event.message,
            }
            for event in events
        ]
        content = json.dumps({"style": loaded.name, **counts, "files": files}, indent=2)
        with atomic_write(json_file) as temporary:
            temporary.write_text(content + "\n")
    if summary.done < len(events):
        raise typer.Exit(1 if summary.done else 2)
