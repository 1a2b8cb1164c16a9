"""``ganstyle stylize``."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from ganstyle.cli.adapt import adapt_style
from ganstyle.cli.animate import animate_photo, check_alone
from ganstyle.cli.collection import is_earlier_sum, plan_collection, stylize_collection
from ganstyle.cli.dry_run import rehearse_stylize
from ganstyle.cli.options import Blend, Device, Mix, PreserveColor, Strength, StrokeSize, Styles, Tile
from ganstyle.cli.outputs import check_outputs, is_stdout
from ganstyle.cli.progress import Quiet
from ganstyle.cli.several import open_painter, split_masks

# The parameters that go with --animate.
_ANIMATE = (
    *("photos", "animate", "styles", "strength", "stroke_size", "preserve_color"),
    *("max_side", "device", "force", "quiet"),
)


def stylize(
    context: typer.Context,
    photos: Annotated[
        list[Path],
        typer.Argument(
            metavar="PHOTO",
            help="Photos, folders of photos, and text files (.txt) that list photos, one path a line; or "
            "WebDataset shards, such as 'photos-{000..099}.tar'.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="The folder for the results, which keep their photos' names; or an image file; "
            "or - for standard output.",
            show_default=False,
        ),
    ] = None,
    styles: Styles = None,
    mix: Mix = None,
    blend: Blend = None,
    adapt: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="STEPS",
            help="First train the style of a painting on these very photos. With 30 steps, 10 "
            "seconds on a CPU, a picture keeps much more of its photo at the same style.",
        ),
    ] = 0,
    strength: Strength = 1.0,
    stroke_size: StrokeSize = "1",
    preserve_color: PreserveColor = False,
    masks: Annotated[
        list[str] | None,
        typer.Option(
            "--mask",
            metavar="FILE[=STYLE]",
            help="An image with the photos' aspect ratio: white is painted, black stays the photo. With "
            "=STYLE, white gets its own style, and the rest that of -s or none; repeat it for more regions.",
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
    tile: Tile = "auto",
    image_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="Format of the results: jpeg, png, webp, avif or tiff. By default JPEG, PNG and WebP are "
            "kept, and others become PNG.",
        ),
    ] = None,
    quality: Annotated[int, typer.Option(help="Quality of JPEG, WebP and AVIF, 1 to 100.")] = 95,
    no_metadata: Annotated[
        bool, typer.Option("--no-metadata", help="Leave EXIF and color profile out of the results.")
    ] = False,
    keep_gps: Annotated[bool, typer.Option("--keep-gps", help="Also keep where a photo was taken.")] = False,
    alpha: Annotated[
        str,
        typer.Option(
            metavar="keep|white", help="Transparency: keep it where the format can, or paint on white."
        ),
    ] = "keep",
    force: Annotated[
        bool, typer.Option("--force", help="Replace files that exist. Photos never are.")
    ] = False,
    skip: Annotated[
        str | None,
        typer.Option(
            metavar="name|content",
            help="Skip photos whose results exist, and do not call it an error. content: only if photo, "
            "style and settings are still the same.",
        ),
    ] = None,
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
        typer.Option(min=1, metavar="N", help="Downscale photos whose longer side has more pixels."),
    ] = None,
    device: Device = "auto",
    compiled: Annotated[
        bool,
        typer.Option("--compile", help="Compile the style first: takes minutes, gains little on a CPU."),
    ] = False,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write the outcome of each photo as JSON."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would happen and how long it would take; paint nothing."),
    ] = False,
    animate: Annotated[
        Path | None,
        typer.Option(
            "--animate",
            metavar="FILE.gif",
            help="Instead of -o: one photo that turns into its painting and back, or, with several -s, into "
            "one painting after the other.",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Turn photos into paintings.

    Unreadable photos are reported and skipped. The exit code is 0 if every photo was stylized, 1 if
    some were not, and 2 if none was.
    """
    from ganstyle.devices import check_compiler, limit_threads, pick_device
    from ganstyle.errors import GanstyleError
    from ganstyle.images import MAX_PIXELS, SavingOptions
    from ganstyle.stylize import Controls, parse_stroke_size, parse_tile, read_mask
    from ganstyle.stylize.plan import check_format
    from ganstyle.stylize.scale.settings import PaintSettings
    from ganstyle.stylize.scale.workers import Worker

    worker = Worker.from_environment()
    if animate is not None:
        check_alone(context, "--animate", _ANIMATE)
        controls = Controls(strength, preserve_color, stroke_size=parse_stroke_size(stroke_size))
        if worker.rank == 0:  # the first process does all of it
            where = worker.device(device)
            animate_photo(
                photos, animate, styles or [], controls, max_side=max_side, device=where, force=force
            )
        return
    if output is None:
        raise GanstyleError("no output is given; give -o FOLDER, or --animate FILE.gif")
    if skip not in (None, "name", "content"):
        raise GanstyleError(f"skip '{skip}': give name or content")
    if skip and force:
        raise GanstyleError("--skip keeps what --force would replace; leave one of them out")
    if skip == "content" and dry_run:
        raise GanstyleError("--dry-run reads no photo, as --skip content has to; leave one of them out")
    if no_metadata and keep_gps:
        raise GanstyleError("--keep-gps keeps what --no-metadata leaves out; leave one of them out")
    mask, regions = split_masks(masks or [])
    with TemporaryDirectory() as folder:
        # A result for standard output is written to a file first, so that only a good one gets there.
        suffix = check_format(image_format) if image_format else ".png"
        result = Path(folder, f"result{suffix}") if is_stdout(output) else None
        plan, shards = plan_collection(photos, result or output, None if result else image_format)
        check_outputs(
            image=output if result else None,
            json_file=json_file,
            replaces_json=skip is not None and json_file is not None and is_earlier_sum(json_file),
            results=[] if result else [file.output for file in plan],
            inputs=[file.source for file in plan],
            force=force,
        )
        if adapt and (dry_run or shards):
            other = "--dry-run trains nothing" if dry_run else "shards are read only once"
            raise GanstyleError(f"--adapt {adapt}: {other}; leave it out")
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
        loaded.generator.to(pick_device(worker.device(device)))
        limit_threads()
        if worker.rank and (result or dry_run):
            return  # the first process does all of it
        if adapt:
            loaded = adapt_style(loaded, plan, adapt, max_pixels=max_pixels)
        if compiled:
            check_compiler()
            loaded.generator.compile(dynamic=True)
        if dry_run and shards:
            raise GanstyleError("--dry-run measures photos and folders, not shards; leave it out")
        settings = PaintSettings(
            controls=controls,
            trained_side=loaded.trained_side,
            tile=tile_size,
            overwrite=force,
            max_pixels=MAX_PIXELS if max_pixels is None else max_pixels,
            max_side=max_side,
            saving=saving,
        )
        if dry_run:
            shown = [replace(file, output=output) for file in plan] if result else plan
            rehearse_stylize(loaded, shown, settings, json_file, skipping_is_fine=skip is not None)
            return
        stylize_collection(
            loaded,
            plan,
            settings,
            Worker() if result else worker,
            output=output,
            result=result,
            json_file=json_file,
            skip=skip,
            shards=shards,
            image_format=image_format,
        )
