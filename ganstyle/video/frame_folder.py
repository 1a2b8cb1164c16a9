"""Videos as folders of numbered images."""

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from ganstyle.errors import VideoError
from ganstyle.images import SavingOptions, check_image, read_image, read_photo, write_image, write_photo
from ganstyle.video.clip import Clip, Coding, Frame

FPS = Fraction(25)
"""Pictures a second of a folder of frames, where nothing else is said."""

FINEST = 10**6
"""The largest denominator of pictures a second: FFmpeg's numbers have 31 bits."""


def in_order(paths: Iterable[Path]) -> list[Path]:
    """Sort frames by the numbers in their names: frame2 before frame10."""
    return sorted(paths, key=lambda path: [_numbers_first(part) for part in re.split(r"(\d+)", str(path))])


def read_frames(folder: Path, paths: Sequence[Path], fps: Fraction) -> Clip:
    """Check that all frames can be read and have one size; see `Clip`.

    Args:
        folder: what errors name.
        paths: the frames, in order.
        fps: pictures a second.

    Raises:
        VideoError: their sizes differ.
        ImageError: one cannot be read.
    """
    size = check_image(paths[0])
    for path in paths:
        if (found := read_image(path).shape[-2:]) != size:
            expected = f"{size[1]}x{size[0]} pixels as {paths[0].name} has"
            raise VideoError(f"{path}: has {found[1]}x{found[0]} pixels, not {expected}")

    def frames() -> Iterator[Frame]:
        for index, path in enumerate(paths):
            yield Frame(read_image(path), index / fps, 1 / fps)

    return Clip(folder, size, len(paths), len(paths) / fps, Coding(time_base=1 / fps), frames)


def write_frames(frames: Iterable[Frame], outputs: Sequence[Path], sources: Sequence[Path]) -> None:
    """Write frames as images, each of them whole or not at all.

    Args:
        frames: the pictures.
        outputs: where to.
        sources: the images that were painted, whose metadata and transparency are kept; empty: of a video.
    """
    for index, frame in enumerate(frames):
        if sources:
            write_photo(frame.image, outputs[index], read_photo(sources[index]), SavingOptions())
        else:
            write_image(frame.image, outputs[index])


def _numbers_first(part: str) -> tuple[int, int, str]:
    return (0, int(part), part) if part.isdecimal() else (1, 0, part)
