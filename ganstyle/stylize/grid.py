"""A picture's division into tiles."""

import math
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor

from ganstyle.stylize.locality import Locality


@dataclass(frozen=True)
class Span:
    """A tile's extent along one side of the picture, in pixels.

    Attributes:
        start, stop: the tile.
        seen_start, seen_stop: what of the photo is painted for its sake: the tile and what lies within
            reach of it.
        at_end: the tile ends where the picture does.
    """

    start: int
    stop: int
    seen_start: int
    seen_stop: int
    at_end: bool

    def inside(self, length: int) -> slice:
        """Return which of a map's rows or columns belong to this tile.

        Args:
            length: rows or columns of a feature map of what is seen. Its scale must divide the numbers above.
        """
        scale = 2 ** round(math.log2((self.seen_stop - self.seen_start) / length))
        start = (self.start - self.seen_start) // scale
        # What a network pads beyond the picture's end belongs to the last tile, as it does to the picture.
        return slice(start, length if self.at_end else start + (self.stop - self.start) // scale)


@dataclass(frozen=True)
class Tile:
    """A part of a picture that is painted by itself."""

    rows: Span
    columns: Span

    def seen(self, image: Tensor) -> Tensor:
        """Return the part of (..., H, W) that is needed to paint the tile."""
        rows, columns = self.rows, self.columns
        return image[..., rows.seen_start : rows.seen_stop, columns.seen_start : columns.seen_stop]

    def place(self, image: Tensor) -> Tensor:
        """Return the tile's own part of (..., H, W)."""
        return image[..., self.rows.start : self.rows.stop, self.columns.start : self.columns.stop]

    def cut(self, painted: Tensor) -> Tensor:
        """Return the tile's own part of a picture, or a map, of what it sees."""
        height, width = painted.shape[-2:]
        return painted[..., self.rows.inside(height), self.columns.inside(width)]


def divide(height: int, width: int, side: int, locality: Locality) -> list[Tile]:
    """Divide a picture into tiles of about the same size, row by row.

    Args:
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        side: the largest side of a tile.
        locality: of the generator that paints them.
    """
    rows, columns = (_spans(length, side, locality) for length in (height, width))
    return [Tile(row, column) for row in rows for column in columns]


def _spans(length: int, side: int, locality: Locality) -> list[Span]:
    multiple, margin = locality.multiple, locality.margin
    step = min(math.ceil(length / math.ceil(length / side) / multiple), max(1, side // multiple)) * multiple
    return [
        Span(start, stop, max(0, start - margin), min(length, stop + margin), stop == length)
        for start, stop in pairwise([*range(0, length, step), length])
    ]
