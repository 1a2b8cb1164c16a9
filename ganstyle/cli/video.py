"""``ganstyle video``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganstyle.cli.common import INTERRUPTED, is_given
from ganstyle.cli.options import Blend, Device, Mix, PreserveColor, Strength, StrokeSize, Styles, Tile
from ganstyle.cli.outputs import check_outputs, write_json
from ganstyle.cli.progress import ProgressLine, Quiet, tell
from ganstyle.cli.several import open_painter
from ganstyle.cli.stop import StopRequest

if TYPE_CHECKING:
    from ganstyle.video import VideoProgress, VideoResult
    from ganstyle.video.target import Target


def video(
    context: typer.Context,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT", help="A video, a GIF or WebP, or a folder of frames.", show_default=False
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="A file: .mp4, .m4v, .mov, .mkv, .webm, .gif or .webp; or a folder for frames.",
            show_default=False,
        ),
    ],
    styles: Styles = None,
    mix: Mix = None,
    blend: Blend = None,
    strength: Strength = 1.0,
    stroke_size: StrokeSize = "1",
    preserve_color: PreserveColor = False,
    tile: Tile = "auto",
    max_side: Annotated[
        int | None,
        typer.Option(min=2, metavar="N", help="Downscale frames whose longer side has more pixels."),
    ] = None,
    steady: Annotated[
        float,
        typer.Option(help="How much of each painted frame is carried into the next: 0 (none) to 0.95."),
    ] = 0.38,
    norm_frames: Annotated[
        float,
        typer.Option(help="Average norm statistics over about this many frames; 1: each frame's own."),
    ] = 2.0,
    fps: Annotated[
        str, typer.Option(metavar="N", help="Frames per second of a folder of frames, such as 30000/1001.")
    ] = "25",
    crf: Annotated[
        int, typer.Option(help="Constant rate factor of the video's encoder: 0 loses nothing, 51 is worst.")
    ] = 18,
    quality: Annotated[int, typer.Option(help="Quality of WebP, 1 to 100.")] = 90,
    force: Annotated[
        bool, typer.Option("--force", help="Replace files that exist. The input never is.")
    ] = False,
    device: Device = "auto",
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json",
            metavar="FILE",
            help="Write what became of the video, and how much it flickers; paints up to 96 frames again.",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Turn a video into a moving painting.

    Times, sound, subtitles, colors and the pixels' shape stay as they are. Ctrl-C ends the painting early:
    the output has what is painted until then.
    """
    from ganstyle.devices import limit_threads, pick_device
    from ganstyle.stylize import parse_stroke_size, parse_tile
    from ganstyle.video import VideoSettings, plan_target, stylize_video

    settings = VideoSettings(
        strength,
        preserve_color,
        parse_stroke_size(stroke_size),
        parse_tile(tile),
        max_side=max_side,
        steady=steady,
        norm_frames=norm_frames,
        fps=_parse_fps(fps),
        crf=crf,
        quality=quality,
    )
    target = plan_target(source, output, overwrite=force)
    _check_encoding(context, target)
    check_outputs(json_file=json_file, results=target.results or [output], inputs=target.frames, force=force)
    style = open_painter(styles or [], mix, blend=blend, regions=None, feather=None)
    style.generator.to(pick_device(device))
    limit_threads()
    line = ProgressLine("frames")

    def report(progress: "VideoProgress") -> None:
        line(f"[{progress.done}/{progress.total}] {source} -> {output}", progress.done, progress.total)

    line(f"reading {source}")
    with StopRequest() as stop:
        result = stylize_video(
            style,
            source,
            output,
            settings,
            overwrite=force,
            measure=json_file is not None,
            on_progress=report,
            should_stop=stop,
        )
    for note in result.notes:
        tell(f"{source}: {note}", err=True)
    if json_file is not None:
        write_json(json_file, _record(style.name, source, result))
    if result.stopped:
        kept = f"{output} ends there" if result.frames else "nothing is written"
        tell(f"interrupted after {result.frames} of {result.total} frames; {kept}", err=True)
        raise typer.Exit(INTERRUPTED)
    tell(f"{source} -> {output}  ({result.frames} frames, {result.seconds:.1f} s)")


def _check_encoding(context: typer.Context, target: "Target") -> None:
    """Raise GanstyleError if an option was given that what is read or written does not have."""
    from ganstyle.errors import GanstyleError

    source, output = target.source, target.output
    for name, fits, why in (
        ("fps", target.source_kind == "frames", f"a folder of frames; {source} has its own times"),
        ("crf", target.kind == "video", f"the encoder of a video; {output} has none"),
        ("quality", target.writes_webp, f"an animated WebP; {output} is none"),
    ):
        if is_given(context, name) and not fits:
            raise GanstyleError(f"--{name} is for {why}; leave it out")


def _parse_fps(text: str) -> Any:
    from fractions import Fraction

    from ganstyle.errors import GanstyleError

    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise GanstyleError(f"fps '{text}': give frames per second, such as 25 or 30000/1001") from None


def _record(style: str, source: Path, result: "VideoResult") -> dict[str, Any]:
    """Return what ``--json`` writes."""
    return {
        "style": style,
        "source": str(source),
        "output": str(result.output),
        "frames": result.frames,
        "total": result.total,
        "height": result.size[0],
        "width": result.size[1],
        "seconds": round(result.seconds, 4),
        "stopped": result.stopped,
        "warp_error": dict(result.warp_error),
        "pairs": result.pairs,
        "notes": list(result.notes),
    }
