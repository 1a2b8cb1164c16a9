"""A picture's division into tiles."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

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
        # At least 1: networks enlarge what is smaller than their deepest map needs.
        scale = max(1, 2 ** round(math.log2((self.seen_stop - self.seen_start) / length)))
        start = (self.start - self.seen_start) // scale
        # What a network pads beyond the picture's end belongs to the last tile, as it does to the picture.
        return slice(start, length if self.at_end else start + (self.stop - self.start) // scale)

    def moved(self, pixels: int) -> "Span":
        """Return the same extent further down or to the right."""
        return replace(
            self,
            start=self.start + pixels,
            stop=self.stop + pixels,
            seen_start=self.seen_start + pixels,
            seen_stop=self.seen_stop + pixels,
        )

    def unaffected(self, reach: int) -> "Span":
        """Return what of a map of what is seen is as in the whole picture's map.

        Args:
            reach: how far the map's values see, in pixels.
        """
        start = self.seen_start + reach * (self.seen_start > 0)
        stop = self.seen_stop - reach * (not self.at_end)
        # Beside the picture's end less than the reach is seen beyond the tile, which is unaffected itself.
        return replace(self, start=min(start, self.start), stop=max(stop, self.stop))

    def overlap(self, other: "Span") -> "Span":
        """Return what of this extent lies in another one, which may be nothing."""
        return replace(self, start=max(self.start, other.start), stop=min(self.stop, other.stop))


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

    def unaffected(self, reach: int) -> "Tile":
        """Return a tile of all that is painted as in the whole picture, up to some layer; see `Span`."""
        return Tile(self.rows.unaffected(reach), self.columns.unaffected(reach))

    def moved(self, down: int, across: int) -> "Tile":
        """Return a tile of the same size elsewhere in the picture."""
        return Tile(self.rows.moved(down), self.columns.moved(across))

    def overlap(self, other: "Tile") -> "Tile | None":
        """Return what of this tile lies in another one; None if nothing does."""
        rows, columns = self.rows.overlap(other.rows), self.columns.overlap(other.columns)
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return None
        return Tile(rows, columns)

    def part_of(self, larger: "Tile", painted: Tensor) -> Tensor:
        """Return this tile's part of the picture of a larger tile around it, (..., H, W)."""
        return self.moved(-larger.rows.start, -larger.columns.start).place(painted)


def divide(height: int, width: int, side: int, locality: Locality, *, smallest: int = 0) -> list[Tile]:
    """Divide a picture into tiles of about the same size, row by row.

    Args:
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        side: the largest side of a tile.
        locality: of the generator that paints them.
        smallest: a last row or column of tiles with fewer pixels is added to the one before.
    """
    rows, columns = (_spans(length, side, locality, smallest) for length in (height, width))
    return [Tile(row, column) for row in rows for column in columns]


def find_neighbors(tiles: Sequence[Tile]) -> dict[Tile, dict[tuple[int, int], Tile]]:
    """Return which tiles lie around each one.

    Args:
        tiles: of a whole picture, as `divide` returns them.

    Returns:
        For each tile, its neighbors by how many tiles further down and to the right they are, -1 to 1.
    """
    rows, columns = (
        {start: number for number, start in enumerate(sorted(starts))}
        for starts in ({tile.rows.start for tile in tiles}, {tile.columns.start for tile in tiles})
    )
    places = {(rows[tile.rows.start], columns[tile.columns.start]): tile for tile in tiles}
    directions = [direction for direction in product((-1, 0, 1), repeat=2) if direction != (0, 0)]
    return {
        tile: {(d, a): places[r + d, c + a] for d, a in directions if (r + d, c + a) in places}
        for (r, c), tile in places.items()
    }


def _spans(length: int, side: int, locality: Locality, smallest: int) -> list[Span]:
    multiple, margin = locality.multiple, locality.margin
    step = min(math.ceil(length / math.ceil(length / side) / multiple), max(1, side // multiple)) * multiple
    borders = [*range(0, length, step), length]
    if len(borders) > 2 and length - borders[-2] < smallest:
        del borders[-2]
    return [
        Span(start, stop, max(0, start - margin), min(length, stop + margin), stop == length)
        for start, stop in pairwise(borders)
    ]
