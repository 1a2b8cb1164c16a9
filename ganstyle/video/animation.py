"""Animations: GIF and WebP, read with Pillow and written one picture at a time."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import GifImagePlugin, Image

from ganstyle.errors import ImageError, VideoError
from ganstyle.images import MAX_PIXELS, from_pil, to_pil
from ganstyle.images.codec import check_size, opened
from ganstyle.images.convert import upright
from ganstyle.images.formats import find_decoder
from ganstyle.video.clip import Clip, Coding, Frame

GIF, WEBP = "gif", "webp"

_UNSAID = 100  # milliseconds that browsers show a picture for, if its duration is 0
_TICK = Fraction(1, 100)  # a GIF's unit of time
_LONGEST = 65535  # of a picture, in these; longer ones are repeated
_COLORS = 256
_LONGEST_SIDE = 65535  # of a GIF, in pixels


def is_image(path: Path) -> bool:
    """Say whether a file's content is that of an image of a known format rather than a video's."""
    try:
        with path.open("rb") as file:
            find_decoder(file.read(64))
    except (OSError, ImageError):
        return False
    return True


def read_animation(path: Path) -> Clip:
    """Read an animation once, to find out whether it is whole and what it holds; see `Clip`.

    Raises:
        VideoError: it is a single picture.
        ImageError: it is damaged or too large.
    """
    count, end = 0, Fraction(0)
    for picture, start, duration in _pictures(path):
        count, end, size = count + 1, start + duration, upright(picture).size
    if count == 1:
        raise VideoError(f"{path}: is a single picture; use: ganstyle stylize")
    with opened(path, MAX_PIXELS) as image:
        loops = int(image.info.get("loop", -1 if image.format == "GIF" else 0))
        if image.format == "GIF" and loops:  # counts how often it is shown again, if it is said at all
            loops = loops + 1 if loops > 0 else 1
    return Clip(path, (size[1], size[0]), count, end, Coding(), lambda: _frames(path), loops)


def write_gif(path: Path, frames: Iterable[Frame], loops: int) -> None:
    """Write a GIF, whole wherever the frames end.

    Each picture has its own 256 colors. They are not dithered: the dots would flicker and make large files.

    Raises:
        VideoError: the pictures are too large.
    """
    with path.open("wb") as file:
        ticks = 0
        for index, frame in enumerate(frames):
            picture = to_pil(frame.image).quantize(_COLORS)
            if max(picture.size) > _LONGEST_SIDE:
                width, height = picture.size
                raise VideoError(f"{width}x{height} pixels cannot be written as gif ({_LONGEST_SIDE} a side)")
            if index == 0:
                info = {} if loops == 1 else {"loop": max(0, loops - 1)}
                file.writelines(GifImagePlugin.getheader(picture.copy(), info=info)[0])
            # Rounded times rather than durations, so that errors do not add up.
            end = max(ticks + 2, round((frame.start + frame.duration) / _TICK))
            while ticks < end:
                shown = min(end - ticks, _LONGEST)
                options: dict[str, Any] = {"duration": shown * 10, "include_color_table": True}
                file.writelines(GifImagePlugin.getdata(picture, **options))
                ticks += shown
        file.write(b";")


def write_webp(path: Path, frames: Iterable[Frame], clip: Clip, size: tuple[int, int], quality: int) -> None:
    """Write an animated WebP, whole wherever the frames end.

    Raises:
        VideoError: the encoder cannot do this, such as pictures of more than 16,383 pixels a side.
    """
    import av

    from ganstyle.video.container_output import encoder_errors
    from ganstyle.video.pixels import PixelConverter

    converter, coding = PixelConverter(), Coding(color_range=1, matrix=5)  # as WebP defines its colors
    options = {"loop": str(clip.loops)}
    with encoder_errors(WEBP, size), av.open(str(path), "w", format=WEBP, options=options) as output:
        stream: Any = output.add_stream("libwebp", rate=1000, options={"quality": str(quality)})
        context = stream.codec_context
        context.height, context.width = size
        context.pix_fmt, context.time_base = "yuv420p", coding.time_base
        for frame in frames:
            picture = converter.to_frame(frame.image, coding, "yuv420p")
            picture.time_base, picture.pts = coding.time_base, round(frame.start / coding.time_base)
            for packet in stream.encode(picture):
                packet.duration = round(frame.duration / coding.time_base)
                output.mux(packet)


def _frames(path: Path) -> Iterator[Frame]:
    for picture, start, duration in _pictures(path):
        yield Frame(from_pil(picture), start, duration)


def _pictures(path: Path) -> Iterator[tuple[Image.Image, Fraction, Fraction]]:
    """Yield an animation's pictures with start and duration in seconds."""
    start = Fraction(0)
    with opened(path, MAX_PIXELS) as image:
        for index in range(int(getattr(image, "n_frames", 1))):
            image.seek(index)
            check_size(image, MAX_PIXELS)
            image.load()
            duration = Fraction(image.info.get("duration") or _UNSAID) / 1000
            yield image, start, duration
            start += duration
