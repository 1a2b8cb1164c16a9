"""Reading video files with PyAV (FFmpeg)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from ganstyle.errors import VideoError, one_line
from ganstyle.images import MAX_PIXELS
from ganstyle.video.allocations import limit_allocations
from ganstyle.video.clip import Clip, Frame
from ganstyle.video.pixels import PixelConverter, coding_of, display_matrix, swaps_axes

# Playlists and scripts are left out: they name further files and addresses, which a stranger could choose.
_DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,mxf,nut,ivf,h264,hevc,obu,dv,"
    "rm,wtv,m4v,yuv4mpegpipe,mp3,wav,flac,aac"
)
_OPTIONS = {"format_whitelist": _DEMUXERS, "protocol_whitelist": "file"}
_REPAIR = "fetch it again, or convert it first"
_WITH_DURATION = ("mov", "matroska")  # their headers tell the duration rather than estimate it
_SHORT = Fraction(1)  # seconds that a file may lack of what its header says


@contextmanager
def opened_video(path: Path) -> Iterator[InputContainer]:
    """Open a video file; what fails in the block is a VideoError that names it, unless it names another file.

    Raises:
        VideoError: the file cannot be read.
    """
    limit_allocations(MAX_PIXELS)
    # With its protocol, a name such as concat:a|b is a name and nothing else.
    name = f"file:{path.absolute()}"
    try:
        # Opening decodes too.
        with av.open(name, options={**_OPTIONS, **_limit()}, metadata_errors="replace") as container:
            yield container
    except (FileNotFoundError, PermissionError, av.FFmpegError) as error:
        if isinstance(error, av.FFmpegError) and (error.filename or name) != name:
            raise  # of the file that is written from this one
        if isinstance(error, FileNotFoundError):
            raise VideoError(f"{path}: no such file") from None
        if isinstance(error, PermissionError):
            raise VideoError(f"{path}: may not be read; check its permissions") from None
        reason = one_line(error.strerror or error, 200)
        raise VideoError(f"{path}: damaged or not a video ({reason}); {_REPAIR}") from error


def picture_stream(container: InputContainer, path: Path) -> VideoStream:
    """Return the stream of pictures that a player would show.

    Raises:
        VideoError: there is none, or its pictures are too large or of an unknown codec.
    """
    streams = [stream for stream in container.streams.video if not _is_cover(stream)]
    best = container.streams.best("video")
    if not streams:
        kinds = sorted({stream.type for stream in container.streams})
        raise VideoError(f"{path}: holds no video, only {' and '.join(kinds) or 'nothing'}")
    stream = next((stream for stream in streams if stream is best), streams[0])
    if stream.codec_context is None:
        raise VideoError(f"{path}: the pictures' codec is unknown; {_REPAIR}")
    _check_size(stream.width, stream.height, path)
    stream.thread_type = "AUTO"
    stream.codec_context.options = _limit()
    return stream


def _limit() -> dict[str, str]:
    """Return the decoder's options: pictures may be larger than the file's header says.

    FFmpeg compares its limit with sizes that it has rounded up; `_check_size` is exact.
    """
    return {"max_pixels": str(MAX_PIXELS * 5 // 4)}


def _check_size(width: int, height: int, path: Path) -> None:
    if width * height > MAX_PIXELS:
        raise VideoError(
            f"{path}: {width}x{height} pixels are more than the limit of {MAX_PIXELS:,}; reduce it first"
        )


def read_video(path: Path) -> Clip:
    """Read a video once, to find out whether it is whole and what it holds.

    Decoding takes little time beside painting, and an error at the end of a night would be worse.

    Raises:
        VideoError: the file is damaged, cut off, or holds no pictures.
    """
    count, first, end = 0, None, Fraction(0)
    with opened_video(path) as container:
        stream = picture_stream(container, path)
        _check_length(container, path)
        for frame, start, duration in _timed(_decoded(container, stream, path), container, stream):
            first = first or frame
            count, end = count + 1, start + duration
        if first is None:
            raise VideoError(f"{path}: holds no picture that can be decoded; {_REPAIR}")
        quarter = swaps_axes(display_matrix(first))
        aspect = stream.sample_aspect_ratio or Fraction(1)
        coding = replace(
            coding_of(first),
            aspect=1 / aspect if quarter else aspect,
            time_base=stream.time_base or Fraction(1, 1000),
        )
        size = (first.width, first.height) if quarter else (first.height, first.width)
    return Clip(path, size, count, end, coding, frames=lambda: _frames(path))


def _frames(path: Path) -> Iterator[Frame]:
    converter = PixelConverter()
    with opened_video(path) as container:
        stream = picture_stream(container, path)
        for frame, start, duration in _timed(_decoded(container, stream, path), container, stream):
            yield Frame(converter.to_tensor(frame), start, duration)


def _decoded(container: InputContainer, stream: VideoStream, path: Path) -> Iterator[Any]:
    """Yield the decoded pictures of a stream.

    Raises:
        VideoError: a part of the file is missing or damaged.
    """
    end = Fraction(0)
    packets: Iterator[Any] = container.demux()
    for packet in packets:
        if packet.is_corrupt:
            raise VideoError(f"{path}: is damaged or cut off {_at(end)}; {_REPAIR}")
        if packet.pts is not None and packet.time_base:
            end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base)
        if packet.stream is not stream:
            continue
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            reason = one_line(error.strerror or error, 200)
            if isinstance(error, av.ArgumentError) or not stream.width:  # what FFmpeg says of a larger one
                reason += f", or more than {MAX_PIXELS:,} pixels"
            raise VideoError(f"{path}: is damaged {_at(end)} ({reason}); {_REPAIR}") from error
        for frame in frames:
            _check_size(frame.width, frame.height, path)
            if frame.is_corrupt:
                raise VideoError(f"{path}: is damaged {_at(end)}; {_REPAIR}")
            yield frame
    declared = Fraction(container.duration or 0, av.time_base)
    if any(name in container.format.name for name in _WITH_DURATION) and end + _SHORT < declared:
        raise VideoError(
            f"{path}: is cut off {_at(end)}, before its {float(declared):.1f} seconds; {_REPAIR}"
        )


def start_of(container: InputContainer) -> Fraction:
    """Return when a file's first stream begins, in seconds: above 0 in recordings cut from a broadcast."""
    return max(Fraction(0), Fraction(container.start_time or 0, av.time_base))


def _timed(
    frames: Iterator[Any], container: InputContainer, stream: VideoStream
) -> Iterator[tuple[Any, Fraction, Fraction]]:
    """Yield each frame with its start and duration in seconds; starts rise."""
    base = stream.time_base or Fraction(1, 1000)
    offset = start_of(container)
    usual = 1 / (stream.average_rate or stream.guessed_rate or Fraction(25))
    waiting, start = None, Fraction(0)
    for frame in frames:
        begin = None if frame.pts is None else frame.pts * base - offset
        if waiting is not None:
            if begin is None:
                begin = start + usual
            begin = max(begin, start + base)
            yield waiting, start, begin - start
        waiting, start = frame, begin or Fraction(0)
    if waiting is not None:
        yield waiting, start, waiting.duration * base if waiting.duration else usual


def _check_length(container: InputContainer, path: Path) -> None:
    """Raise an error if the file ends before what its index says is in it."""
    size = path.stat().st_size
    for stream in container.streams:
        entries = stream.index_entries
        if len(entries) and entries[len(entries) - 1].pos + entries[len(entries) - 1].size > size:
            raise VideoError(f"{path}: is cut off; {_REPAIR}")


def _is_cover(stream: VideoStream) -> bool:
    """Say whether a stream is the picture on a record's cover."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _at(seconds: Fraction) -> str:
    return f"at {float(seconds):.1f} s"
