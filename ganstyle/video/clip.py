"""What a video is to the rest of the package: pictures in order, each with its time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture of a video.

    Attributes:
        image: (1, 3, H, W) in [0, 1], upright.
        start: when it is shown, in seconds from the video's start.
        duration: for how long, in seconds.
    """

    image: Tensor
    start: Fraction
    duration: Fraction


@dataclass(frozen=True)
class Coding:
    """How pictures are coded, as far as a painting of them should be coded alike.

    Colors are numbers of ITU-T H.273, which FFmpeg uses too; by default those of BT.709 video.

    Attributes:
        bits: of each sample.
        color_range: 0 unknown, 1 limited (16 to 235), 2 full.
        matrix: from RGB to luma and chroma; 2 unknown.
        primaries: 2 unknown.
        transfer: 2 unknown.
        aspect: width of a pixel relative to its height.
        time_base: all times are multiples of it, in seconds.
    """

    bits: int = 8
    color_range: int = 1
    matrix: int = 1
    primaries: int = 1
    transfer: int = 1
    aspect: Fraction = Fraction(1)
    time_base: Fraction = Fraction(1, 1000)


@dataclass(frozen=True)
class Clip:
    """A video, an animation or a folder of frames that has been read once and found to be whole.

    Attributes:
        path: the file or folder.
        size: height and width of the upright pictures in pixels.
        count: the number of pictures, at least 1.
        seconds: how long it takes.
        coding: how its pictures are coded.
        frames: reads the pictures from the start, one at a time.
        loops: how often an animation is shown in all; 0: without end.
    """

    path: Path
    size: tuple[int, int]
    count: int
    seconds: Fraction
    coding: Coding
    frames: Callable[[], Iterator[Frame]]
    loops: int = 0

    @property
    def rate(self) -> Fraction:
        """Pictures a second, on average."""
        return self.count / self.seconds if self.seconds else Fraction(25)
