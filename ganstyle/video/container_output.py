"""Writing video files with PyAV (FFmpeg)."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer

from ganstyle.errors import VideoError, one_line
from ganstyle.video.clip import Clip, Coding, Frame
from ganstyle.video.companions import Companions
from ganstyle.video.container_input import opened_video
from ganstyle.video.pixels import PixelConverter

_QUICKTIME = ("mp4", "mov")


def write_video(
    path: Path,
    container_format: str,
    frames: Iterable[Frame],
    clip: Clip,
    size: tuple[int, int],
    *,
    crf: int,
    companions: bool,
) -> list[str]:
    """Write a video: H.264, HEVC if its samples have more than 8 bits, or VP9 in WebM.

    Args:
        path: where to.
        container_format: mp4, mov, matroska or webm.
        frames: the pictures; the file is whole wherever they end.
        clip: what was painted; its colors, times and pixels' shape are kept.
        size: height and width of the pictures.
        crf: constant rate factor; 0 loses nothing, 51 is worst.
        companions: copy sound, subtitles and the like from the clip's file.

    Returns:
        What could not be kept, each in one line.

    Raises:
        VideoError: the encoder cannot do this.
        OSError: the file cannot be written.
    """
    coding, notes = clip.coding, []
    if container_format == "webm" and coding.bits > 8:
        notes.append(f"{coding.bits} bits become 8: the encoder for webm writes no more")
        coding = Coding(**{**vars(coding), "bits": 8})
    options = {"movflags": "+faststart"} if container_format in _QUICKTIME else {}
    with ExitStack() as stack, encoder_errors(container_format, size):
        output = stack.enter_context(av.open(str(path), "w", format=container_format, options=options))
        stream, pixel_format = _add_pictures(output, container_format, coding, clip.rate, size, crf)
        together = None
        if companions:
            together = Companions(stack.enter_context(opened_video(clip.path)), output)
            notes += together.notes
        _write(output, stream, frames, coding, pixel_format, together, clip.count)
        output.close()
    return notes


@contextmanager
def encoder_errors(file_format: str, size: tuple[int, int]) -> Iterator[None]:
    """Turn what an encoder raises into a VideoError; a file that cannot be written stays an OSError."""
    try:
        yield
    except av.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        reason = one_line(error.strerror or error, 200)
        raise VideoError(
            f"{size[1]}x{size[0]} pixels cannot be written as {file_format} ({reason})"
        ) from error


def _write(
    output: OutputContainer,
    stream: Any,
    frames: Iterable[Frame],
    coding: Coding,
    pixel_format: str,
    companions: Companions | None,
    count: int,
) -> None:
    converter, last, written, end = PixelConverter(), -1, 0, Fraction(0)
    for frame in frames:
        if companions:
            companions.copy_until(frame.start)
        picture = converter.to_frame(frame.image, coding, pixel_format)
        picture.time_base = coding.time_base
        picture.pts = last = max(round(frame.start / coding.time_base), last + 1)
        picture.duration = max(1, round(frame.duration / coding.time_base))
        output.mux(stream.encode(picture))
        written, end = written + 1, frame.start + frame.duration
    if companions:
        companions.copy_until(end if written < count else None)
        companions.finish()
    output.mux(stream.encode(None))


def _add_pictures(
    output: OutputContainer,
    container_format: str,
    coding: Coding,
    rate: Fraction,
    size: tuple[int, int],
    crf: int,
) -> tuple[Any, str]:
    """Add the stream of pictures; return it and its pixel format."""
    deep, webm = coding.bits > 8, container_format == "webm"
    # H.264 and HEVC halve the colors' resolution only where sides are even.
    halved = webm or not any(side % 2 for side in size)
    pixel_format = f"yuv{420 if halved else 444}p{'10le' if deep else ''}"
    encoder = "libvpx-vp9" if webm else "libx265" if deep else "libx264"
    options = {"crf": str(crf)}
    if webm:
        options |= {"b": "0", "row-mt": "1", "cpu-used": "4"}
    elif deep:
        options |= {"x265-params": "log-level=none"}
    stream: Any = output.add_stream(encoder, rate=rate.limit_denominator(1001), options=options)
    context = stream.codec_context
    context.height, context.width = size
    context.pix_fmt = pixel_format
    context.time_base = coding.time_base
    context.sample_aspect_ratio = coding.aspect
    context.color_range = coding.color_range
    context.colorspace = coding.matrix
    context.color_primaries = coding.primaries
    context.color_trc = coding.transfer
    if deep and container_format in _QUICKTIME:
        context.codec_tag = "hvc1"  # without it, Apple's players show nothing
    return stream, pixel_format
