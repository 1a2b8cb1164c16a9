"""``ganstyle stylize``."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganstyle.cli.common import INTERRUPTED
from ganstyle.cli.dry_run import print_stylize, stylize_record
from ganstyle.cli.options import Device
from ganstyle.cli.outputs import check_outputs, is_stdout, write_json, write_stdout
from ganstyle.cli.progress import ProgressLine, Quiet, tell
from ganstyle.cli.several import open_painter, split_masks

if TYPE_CHECKING:
    from ganstyle.stylize import FileEvent

_STATUSES = ("done", "failed", "skipped")


def stylize(
    photos: Annotated[
        list[Path],
        typer.Argument(metavar="PHOTO", help="Photos, and folders of photos.", show_default=False),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="The folder for the results, which keep their photos' names; or an image file; "
            "or - for standard output.",
            show_default=False,
        ),
    ],
    styles: Annotated[
        list[str] | None,
        typer.Option(
            "-s",
            "--style",
            help="A shipped style's name, a checkpoint's path, hf://user/name, or a painting's image file. "
            "Repeat it to mix paintings.",
            show_default=False,
        ),
    ] = None,
    mix: Annotated[
        str | None,
        typer.Option(metavar="N,N…", help="The share of each of several paintings, such as 2,1."),
    ] = None,
    blend: Annotated[
        str | None,
        typer.Option(
            metavar="NAME=N,NAME=N…",
            help="Average the pictures of several styles, such as starry_night=0.6,wave=0.4, instead of -s.",
        ),
    ] = None,
    strength: Annotated[
        float,
        typer.Option(help="Strength of the style: 0 is the photo, 1 the style as trained, at most 1.5."),
    ] = 1.0,
    stroke_size: Annotated[
        str,
        typer.Option(
            metavar="N|fine",
            help="How large strokes are relative to the picture: 1 as in training, 2 twice as large, "
            "at most 4; fine: as fine as the style paints at full size.",
        ),
    ] = "1",
    preserve_color: Annotated[
        bool, typer.Option("--preserve-color", help="Keep the photos' colors; change only light and dark.")
    ] = False,
    masks: Annotated[
        list[str] | None,
        typer.Option(
            "--mask",
            metavar="FILE[=STYLE]",
            help="An image of the photos' proportions: white is painted. With =STYLE, white is painted in a "
            "style of its own, and the rest in that of -s or not at all; repeat it for more regions.",
            show_default=False,
        ),
    ] = None,
    feather: Annotated[
        float | None,
        typer.Option(
            metavar="PERCENT",
            help="Width of the regions' soft edges, in percent of the shorter side (2 if not given); 0: the "
            "masks' own edges.",
        ),
    ] = None,
    tile: Annotated[
        str,
        typer.Option(
            metavar="auto|N|off",
            help="Paint in tiles of at most N pixels a side: less memory, the same picture. auto: 1536 for "
            "photos of more than 4 megapixels.",
        ),
    ] = "auto",
    image_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="Of the results: jpeg, png, webp, avif or tiff. By default JPEG, PNG and WebP stay what "
            "they are, and others become PNG.",
        ),
    ] = None,
    quality: Annotated[int, typer.Option(help="Of JPEG, WebP and AVIF, 1 to 100.")] = 95,
    no_metadata: Annotated[
        bool, typer.Option("--no-metadata", help="Leave EXIF and color profile out of the results.")
    ] = False,
    keep_gps: Annotated[
        bool, typer.Option("--keep-gps", help="Keep the place where a photo was taken, too.")
    ] = False,
    alpha: Annotated[
        str,
        typer.Option(
            metavar="keep|white", help="Transparency: keep it where the format can, or paint on white."
        ),
    ] = "keep",
    force: Annotated[
        bool, typer.Option("--force", help="Replace files that exist. Photos never are.")
    ] = False,
    max_pixels: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Refuse larger photos (pixels; 100 million if not given). Above 32 million, the extra large "
            "saves memory.",
        ),
    ] = None,
    max_side: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Reduce photos whose longer side has more pixels."),
    ] = None,
    device: Device = "auto",
    compiled: Annotated[
        bool,
        typer.Option("--compile", help="Compile the style first: takes minutes, gains little on a CPU."),
    ] = False,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write what became of each photo."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would happen, from a short measurement; paint nothing."),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Turn photos into paintings.

    Photos that cannot be read are reported and skipped. The exit code is 0 if every photo was stylized, 1 if
    some were not, and 2 if none was.
    """
    from ganstyle.devices import check_compiler, limit_threads, pick_device
    from ganstyle.errors import GanstyleError
    from ganstyle.images import MAX_PIXELS, SavingOptions
    from ganstyle.stylize import (
        Controls,
        parse_stroke_size,
        parse_tile,
        plan_outputs,
        read_mask,
        stylize_plan,
    )
    from ganstyle.stylize.forecast import forecast_stylize

    mask, regions = split_masks(masks or [])
    with TemporaryDirectory() as folder:
        # A result for standard output is written to a file first, so that only a good one gets there.
        result = Path(folder, "result.png") if is_stdout(output) else None
        plan = plan_outputs(photos, result or output, image_format=None if result else image_format)
        check_outputs(
            image=output if result else None,
            json_file=json_file,
            results=[] if result else [file.output for file in plan],
            inputs=[file.source for file in plan],
            force=force,
        )
        controls = Controls(
            strength,
            preserve_color,
            None if mask is None else read_mask(mask),
            parse_stroke_size(stroke_size),
        )
        tile_size = parse_tile(tile)
        if alpha not in ("keep", "white"):
            raise GanstyleError(f"alpha '{alpha}': give keep or white")
        saving = SavingOptions(quality, not no_metadata, keep_gps, alpha == "keep")
        loaded = open_painter(styles or [], mix, blend=blend, regions=regions, feather=feather)
        loaded.generator.to(pick_device(device))
        limit_threads()
        if compiled:
            check_compiler()
            loaded.generator.compile(dynamic=True)
        if dry_run:
            whole = loaded.everywhere()  # masks have the photos' proportions, and the sample has not
            forecast = forecast_stylize(
                lambda photo: whole.paint(photo, replace(controls, mask=None), tile=tile_size),
                [replace(file, output=output) for file in plan] if result else plan,
                pick_device(device),
                controls=controls,
                trained_side=loaded.trained_side,
                tiled=tile_size != "off",
                overwrite=force,
                max_pixels=MAX_PIXELS if max_pixels is None else max_pixels,
                max_side=max_side,
            )
            print_stylize(forecast)
            if json_file is not None:
                write_json(json_file, stylize_record(loaded.name, forecast))
            _leave([file.status for file in forecast.files])
            return
        events: list[FileEvent] = []
        line = ProgressLine("photos")

        def report(event: "FileEvent") -> None:
            event = replace(event, output=output) if result else event
            events.append(event)
            if event.status != "done":
                tell(event.message, err=True)
            elif event.total > 1:
                text = (
                    f"[{event.index}/{event.total}] {event.source} -> {event.output}  ({event.seconds:.1f} s)"
                )
                line(text, event.index, event.total, always=True)
            else:
                tell(f"{event.source} -> {event.output}  ({event.seconds:.1f} s)")
            if event.note:
                tell(f"{event.source}: {event.note}", err=True)

        try:
            stylize_plan(
                loaded.generator,
                plan,
                controls=controls,
                trained_side=loaded.trained_side,
                tile=tile_size,
                overwrite=force,
                max_pixels=MAX_PIXELS if max_pixels is None else max_pixels,
                max_side=max_side,
                saving=saving,
                on_event=report,
            )
            if result and result.exists():
                write_stdout(result.read_bytes())
        except (GanstyleError, KeyboardInterrupt) as error:
            # What was done until then is worth knowing; but the first error is the one to report.
            if json_file is not None:
                with suppress(GanstyleError):
                    write_json(json_file, _record(loaded.name, events))
            if isinstance(error, GanstyleError):
                raise
            tell(f"interrupted after {len(events)} of {len(plan)} photos", err=True)
            raise typer.Exit(INTERRUPTED) from None
    record = _record(loaded.name, events)
    tell(", ".join(f"{record[name]} {name}" for name in _STATUSES if record[name] or name == "done"))
    if json_file is not None:
        write_json(json_file, record)
    _leave([event.status for event in events])


def _leave(statuses: "Sequence[str]") -> None:
    """Leave with an exit code that says whether all photos, some or none came out well."""
    done = statuses.count("done")
    if done < len(statuses):
        raise typer.Exit(1 if done else 2)


def _record(style: str, events: "Sequence[FileEvent]") -> dict[str, Any]:
    """Return what ``--json`` writes."""
    return {
        "style": style,
        **{status: sum(event.status == status for event in events) for status in _STATUSES},
        "files": [
            {
                "source": str(event.source),
                "output": str(event.output),
                "status": event.status,
                "seconds": round(event.seconds, 4),
                "message": event.message,
            }
            for event in events
        ],
    }
