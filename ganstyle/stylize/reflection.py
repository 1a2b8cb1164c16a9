"""Photos are reflected outward before they are painted, so that no generator paints a frame."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ganstyle.stylize.grid import Span, Tile

REFLECTED = 32
"""Pixels by which a photo is reflected outward on each side; they are painted too, and then cut off.

Padding tells a convolution where the picture ends, and generators answer with a frame. Those that ship paint
one about 30 pixels wide: with 16 or 24 more pixels it still shows in some, with 32 hardly in any. A multiple
of most generators' grids, so that their maps lie on the photo as they would without it.
"""


def paint_reflected(generator: Callable[[Tensor], Tensor], photo: Tensor) -> Tensor:
    """Return the painting of a photo, both (B, C, H, W), that was reflected outward for the generator."""
    reflection = Reflection(photo.shape[-2], photo.shape[-1])
    return reflection.remove(generator(reflection.add(photo)))


@dataclass(frozen=True)
class Reflection:
    """How far a photo is reflected outward: `REFLECTED` pixels, or one fewer than its side has.

    Attributes:
        height, width: of the photo, in pixels.
    """

    height: int
    width: int

    @property
    def down(self) -> int:
        """Rows that are added above, and as many below."""
        return min(REFLECTED, self.height - 1)

    @property
    def across(self) -> int:
        """Columns that are added on either side."""
        return min(REFLECTED, self.width - 1)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the enlarged photo."""
        return self.height + 2 * self.down, self.width + 2 * self.across

    def add(self, photo: Tensor) -> Tensor:
        """Enlarge (B, C, H, W)."""
        return F.pad(photo, (self.across, self.across, self.down, self.down), mode="reflect")

    def remove(self, painted: Tensor) -> Tensor:
        """Return the photo's part, (B, C, H, W), of a picture of the enlarged photo."""
        inside = painted[..., self.down : self.down + self.height, self.across : self.across + self.width]
        return inside.contiguous()

    def read(self, tile: Tile, read: Callable[[Tile], Tensor]) -> Tensor:
        """Return what a tile of the enlarged photo sees, (B, C, h, w).

        Args:
            tile: of the enlarged photo.
            read: returns what a tile of the photo sees.
        """
        rows = _reflect(tile.rows, self.down, self.height)
        columns = _reflect(tile.columns, self.across, self.width)
        part = read(Tile(_extent(rows, self.height), _extent(columns, self.width)))
        for dimension, places in ((-2, rows), (-1, columns)):
            start = int(places.min())
            if not torch.equal(places, torch.arange(start, start + part.shape[dimension])):
                part = part.index_select(dimension, (places - start).to(part.device))
        return part

    def write(self, tile: Tile, painted: Tensor, write: Callable[[Tile, Tensor], None]) -> None:
        """Write what of a tile lies in the photo, if anything does.

        Args:
            tile: of the enlarged photo.
            painted: its picture.
            write: takes a tile of the photo, and its picture.
        """
        rows = Span(self.down, self.down + self.height, 0, 0, at_end=True)
        columns = Span(self.across, self.across + self.width, 0, 0, at_end=True)
        if (own := tile.overlap(Tile(rows, columns))) is not None:
            write(own.moved(-self.down, -self.across), own.part_of(tile, painted))


def _reflect(span: Span, added: int, length: int) -> Tensor:
    """Return which of a photo's rows or columns a tile of the enlarged photo sees, in its order."""
    places = torch.arange(span.seen_start - added, span.seen_stop - added).abs()
    return length - 1 - (length - 1 - places).abs()


def _extent(places: Tensor, length: int) -> Span:
    """Return the smallest extent that holds some rows or columns."""
    start, stop = int(places.min()), int(places.max()) + 1
    return Span(start, stop, start, stop, stop == length)
