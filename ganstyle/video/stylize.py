"""Paint a video picture by picture, so that memory does not grow with its length."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

from ganstyle.errors import GanstyleError
from ganstyle.extras import require
from ganstyle.files import atomic_write
from ganstyle.images import resize
from ganstyle.style import load_style
from ganstyle.stylize import Controls, PhotoPainter, TileSize
from ganstyle.video.animation import GIF, write_gif, write_webp
from ganstyle.video.clip import Clip, Frame
from ganstyle.video.frame_folder import FINEST, FPS, write_frames
from ganstyle.video.target import Target, check_results, plan_target
from ganstyle.video.warp_error import WarpErrors

_WORST_CRF = 51
_STEADIEST = 0.95
_MOST_FRAMES = 1000


@dataclass(frozen=True)
class VideoSettings:
    """How to paint a video.

    Attributes:
        strength: 0 gives the video, 1 the style as trained; at most 1.5.
        preserve_color: keep the video's colors, and take only light and dark from the painting.
        stroke_size: how large strokes are relative to the picture: 1 as in training; 0 as fine as possible.
        tile: see `ganstyle.stylize.stylize_image`.
        max_side: reduce pictures whose longer side has more pixels.
        steady: how much of each painting stays in the next one, moved along with the video: from 0 (each
            frame by itself) to 0.95.
        norm_frames: over about how many frames norm statistics are averaged; 1: each frame's own.
        fps: pictures a second of a folder of frames.
        crf: constant rate factor of H.264, HEVC and VP9: 0 loses nothing, 51 is worst.
        quality: of WebP, 1 to 100.

    Raises:
        GanstyleError: a value is out of range.
    """

    strength: float = 1.0
    preserve_color: bool = False
    stroke_size: float = 1.0
    tile: TileSize = "auto"
    max_side: int | None = None
    steady: float = 0.38
    norm_frames: float = 2.0
    fps: Fraction = FPS
    crf: int = 18
    quality: int = 90

    def __post_init__(self) -> None:
        self.controls()
        if not 0 <= self.steady <= _STEADIEST:
            raise GanstyleError(f"steady {self.steady:g}: give a number from 0 to {_STEADIEST:g}")
        if not 1 <= self.norm_frames <= _MOST_FRAMES:
            raise GanstyleError(f"norm frames {self.norm_frames:g}: give a number from 1 to {_MOST_FRAMES:g}")
        if not 0 <= self.crf <= _WORST_CRF:
            raise GanstyleError(f"crf {self.crf}: give a number from 0 (best) to {_WORST_CRF}")
        if not 1 <= self.quality <= 100:
            raise GanstyleError(f"quality {self.quality}: give a number from 1 to 100")
        if not 0 < self.fps.limit_denominator(FINEST) <= 1000:
            shown = f"{float(self.fps):g}" if abs(self.fps) < 10**9 else "beyond a billion"
            raise GanstyleError(f"fps {shown}: give pictures a second, such as 25 or 30000/1001")
        if self.max_side is not None and self.max_side < 2:
            raise GanstyleError(f"max side {self.max_side}: give at least 2 pixels")

    def controls(self) -> Controls:
        """Return how each picture is painted."""
        return Controls(self.strength, self.preserve_color, stroke_size=self.stroke_size)


DEFAULT_SETTINGS = VideoSettings()
"""The style as it was trained."""


@dataclass(frozen=True)
class VideoProgress:
    """So many pictures are painted.

    Attributes:
        done: how many.
        total: of how many.
    """

    done: int
    total: int


@dataclass(frozen=True)
class VideoResult:
    """How the painting of a video ended.

    Attributes:
        output: the file or folder; not written if there are no frames.
        frames: how many pictures it has.
        total: how many the source has.
        size: height and width in pixels.
        seconds: how long it took.
        notes: what of the source could not be kept, each in one line.
        warp_error: if it was measured, that of ``input``, ``frame_by_frame`` and ``result``; see
            `ganstyle.video.warp_error.warp_error`. Empty if no two frames show the same scene.
        pairs: how many pairs of frames were measured.
    """

    output: Path
    frames: int
    total: int
    size: tuple[int, int]
    seconds: float
    notes: tuple[str, ...] = ()
    warp_error: Mapping[str, float] = field(default_factory=dict)
    pairs: int = 0

    @property
    def stopped(self) -> bool:
        """Whether it ended before the source did."""
        return self.frames < self.total


def stylize_video(
    style: PhotoPainter | str | Path,
    source: str | Path,
    output: str | Path,
    settings: VideoSettings = DEFAULT_SETTINGS,
    *,
    overwrite: bool = False,
    measure: bool = False,
    on_progress: Callable[[VideoProgress], None] = lambda progress: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> VideoResult:
    """Paint a video, an animation or a folder of frames.

    The source is read once before the work, so that an error at its end is found at the beginning. The
    output appears when it is whole.

    Args:
        style: a style, several in one, or what `ganstyle.load_style` takes; its generator decides the device.
        source: a video file, a GIF, WebP or other animation, or a folder of images, sorted by number.
        output: a file (.mp4, .m4v, .mov, .mkv, .webm, .gif or .webp), or a folder for frames.
        settings: how to paint, and how to encode.
        overwrite: replace files that exist. The source never is.
        measure: also measure how much video and painting flicker; paints up to twice 48 frames once more.
        on_progress: called after each picture.
        should_stop: asked before each picture; the output then ends there, and is whole all the same.

    Raises:
        GanstyleError: the source is damaged or holds no moving pictures, or the output cannot be written.
    """
    began = time.perf_counter()
    target = plan_target(Path(source), Path(output), overwrite=overwrite)
    for package in ("av", "cv2"):
        require(package, "painting videos")
    # Imported here, so that what is missing is said in one line.
    from ganstyle.video.steady import SteadyPainter

    painter = style if isinstance(style, PhotoPainter) else load_style(style)
    clip = target.read(settings.fps.limit_denominator(FINEST))
    size = _fitted(clip.size, settings.max_side)
    results = target.results or [target.output / f"{index + 1:06}.png" for index in range(clip.count)]
    if target.kind == "frames":
        check_results(results, target.source, overwrite=overwrite)
    steady = SteadyPainter(
        painter,
        settings.controls(),
        tile=settings.tile,
        blend=settings.steady,
        norm_frames=settings.norm_frames,
        with_motion=measure,
    )
    errors = WarpErrors(clip.count)
    count = 0

    def painted() -> Iterator[Frame]:
        nonlocal count
        for frame in clip.frames():
            if should_stop():
                return
            now = steady(resize(frame.image, size))
            if measure and errors.wants(count):
                alone = painter.paint(now.photo, settings.controls(), tile=settings.tile)
                errors.add(
                    count, now.motion, {"input": now.photo, "frame_by_frame": alone, "result": now.picture}
                )
            count += 1
            yield replace(frame, image=now.picture)
            on_progress(VideoProgress(count, clip.count))

    frames = painted()
    first = next(frames, None)
    notes: list[str] = []
    if first is not None:
        notes = _write(target, chain([first], frames), clip, size, settings, results)
    seconds = time.perf_counter() - began
    return VideoResult(
        target.output, count, clip.count, size, seconds, tuple(notes), errors.means(), errors.pairs
    )


def _write(
    target: Target,
    frames: Iterator[Frame],
    clip: Clip,
    size: tuple[int, int],
    settings: VideoSettings,
    results: list[Path],
) -> list[str]:
    """Write the pictures where they go; return what could not be kept."""
    notes: list[str] = []
    if target.source_kind == "video" and target.kind != "video":
        from ganstyle.video.companions import left_out

        notes = left_out(target.source, target.file_format or "a folder of frames")
    if target.kind == "frames":
        write_frames(frames, results, target.frames)
        return notes
    with atomic_write(target.output) as path:
        if target.file_format == GIF:
            write_gif(path, frames, clip.loops)
        elif target.kind == "animation":
            write_webp(path, frames, clip, size, settings.quality)
        else:
            from ganstyle.video.container_output import write_video

            together: dict[str, Any] = {"crf": settings.crf, "companions": target.source_kind == "video"}
            notes = write_video(path, target.file_format, frames, clip, size, **together)
    return notes


def _fitted(size: tuple[int, int], max_side: int | None) -> tuple[int, int]:
    """Return a size whose longer side is at most ``max_side``; if it is reduced, of even numbers."""
    if max_side is None or max(size) <= max_side:
        return size
    scale = max_side / max(size)
    height, width = (max(2, 2 * round(side * scale / 2)) for side in size)
    return height, width
