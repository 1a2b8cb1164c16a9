"""Painting in tiles: large pictures in little memory, without seams."""

import copy
from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from ganstyle.devices import release_free_memory
from ganstyle.errors import GanstyleError
from ganstyle.stylize.grid import Tile, divide
from ganstyle.stylize.joining import can_join, divide_without_overlap
from ganstyle.stylize.layers import layers_of
from ganstyle.stylize.locality import Locality, measure_locality
from ganstyle.stylize.memory import affordable_pixels, largest_side
from ganstyle.stylize.reflection import REFLECTED, Reflection, paint_reflected
from ganstyle.stylize.statistics import SharedStatistics

TileSize = int | Literal["auto", "off"]
"""The largest side of a tile in pixels; ``auto``: as suits the picture and the memory; ``off``: no tiles."""

MIN_TILE = 64
"""The smallest side of a tile; smaller ones consist of little but overlap."""

_SIDES = (1536, 1024, 768, 512, 384, 256)  # of automatic tiles
# Of blocks of tiles, which overlap; a photo of a multiple of 4096 pixels divides into as few as can be.
_BLOCKS = (4096 + 2 * REFLECTED, 3072 + 2 * REFLECTED, 2048 + 2 * REFLECTED, *_SIDES)
_JOINED = 512  # of tiles in a block, which do not; larger ones save nothing
# What is held of a pixel while its block is painted, as a share of what a pixel painted at once needs.
_HELD = 0.25
LARGEST_UNTILED = 2048**2  # pixels of a picture that needs no tiles, if there is enough memory

# Up to this size, in pixels, all tiles of a picture are painted in step, so its statistics are exact.
_EXACT = 25_165_824
# Beyond it, statistics come from small tiles all over the picture, which together see this many pixels, or of
# the largest pictures this share, up to twice as many. At a given cost, many small tiles differ less from the
# whole picture than a few large ones; still smaller ones leave the last norms too little.
_SAMPLED = 8_388_608
_SAMPLED_SHARE = 1 / 16
_SAMPLE_SIDE = 64


def parse_tile(text: str) -> TileSize:
    """Read the size of a tile as users write it: a number of pixels, ``auto`` or ``off``.

    Raises:
        GanstyleError: it is none of these, or too small.
    """
    if text == "auto":
        return "auto"
    if text == "off":
        return "off"
    try:
        return check_tile(int(text))
    except ValueError:
        raise GanstyleError(f"tile '{text}': give a number of pixels such as 1024, or auto, or off") from None


def check_tile(tile: TileSize) -> TileSize:
    """Return the size of a tile if it can be used.

    Raises:
        GanstyleError: it is too small.
    """
    if isinstance(tile, int) and tile < MIN_TILE:
        raise GanstyleError(f"tile {tile}: give at least {MIN_TILE} pixels, or auto, or off")
    return tile


def can_tile(generator: nn.Module) -> bool:
    """Say whether a generator, or all of several, can paint in tiles; see `measure_locality`."""
    try:
        for layer in layers_of(generator):
            measure_locality(layer.generator)
    except GanstyleError:
        return False
    return True


class TiledPainter:
    """Paints photos with a generator, those that are large in tiles, as if they were painted at once.

    Every photo is enlarged by its reflection first; see `ganstyle.stylize.reflection`.

    Each tile is painted with what lies around it, as far as the generator sees, and with the norm statistics
    of the whole picture: those of a tile alone would give each its own colors and contrast, and show as
    seams. Up to 24 megapixels the statistics are exact. Beyond, they come from some hundred small tiles all
    over the picture; then too they do not depend on the size of the tiles.

    Statistics of a reduced copy, as in URST (Chen et al. 2022, "Towards Ultra-Resolution Neural Style
    Transfer via Thumbnail Instance Normalization"), would be cheaper, but a generator's maps differ from
    scale to scale: see ``tests/benchmarks/README.md``.

    Args:
        generator: maps (B, 3, H, W) in [0, 1] to the same.
        strength: given to the generator, unless it is None.
        tile: the size of tiles.
    """

    def __init__(self, generator: nn.Module, strength: float | None = None, tile: TileSize = "auto") -> None:
        self._generator = generator
        self._strength = strength
        self._tile = check_tile(tile)

    def __call__(self, photo: Tensor) -> Tensor:
        """Return the painting of (B, 3, H, W)."""
        height, width = photo.shape[-2:]
        if not self._is_tiled(photo) or (self._tile == "auto" and not can_tile(self._generator)):
            return paint_reflected(partial(self._run, self._generator), photo)
        result = torch.empty_like(photo)
        self.paint(
            (height, width),
            read=lambda tile: tile.seen(photo),
            write=lambda tile, painted: _put(tile, result, painted),
            device=photo.device,
        )
        return result

    def paint(
        self,
        size: tuple[int, int],
        *,
        read: Callable[[Tile], Tensor],
        write: Callable[[Tile, Tensor], None],
        device: torch.device = torch.device("cpu"),  # noqa: B008 - immutable
    ) -> None:
        """Paint a picture that need not lie in memory.

        Args:
            size: the photo's height and width in pixels.
            read: returns what of the photo a tile sees, (B, 3, h, w).
            write: takes a tile's part of the picture; tiles come in rows from the top.
            device: where it is painted.

        Raises:
            GanstyleError: the generator needs the whole picture.
        """
        locality = measure_locality(self._generator)
        release_free_memory()
        # A copy, so that others can use the generator meanwhile. It holds some megabytes.
        generator = copy.deepcopy(self._generator)
        statistics = SharedStatistics(generator)
        joined = can_join(self._generator)
        reflection = Reflection(*size)
        size = reflection.size

        def run(x: Tensor) -> Tensor:
            return self._run(generator, x)

        def see(tile: Tile) -> Tensor:
            return reflection.read(tile, read)

        if size[0] * size[1] <= _EXACT:
            side = self._largest_side(_SIDES, 1.0, device)
            tiles = (
                divide_without_overlap(*size, min(side, _JOINED), locality.multiple)
                if joined
                else divide(*size, side, locality)
            )
            for tile, painted in statistics.paint(run, tiles, see, joined=joined):
                reflection.write(tile, painted, write)
            release_free_memory()
            return
        for _ in statistics.paint(run, _sample(size, locality), see, reaches=locality.norms):
            pass  # only the statistics are wanted
        release_free_memory()
        sides, held = (_BLOCKS, _HELD) if joined else (_SIDES, 1.0)
        for block in divide(*size, self._largest_side(sides, held, device), locality):
            tiles = _tiles_of(block, locality) if joined else [block]
            for tile, painted in statistics.paint(run, tiles, see, joined=joined):
                if (own := tile.overlap(block)) is not None:
                    reflection.write(own, own.part_of(tile, painted), write)

    def _is_tiled(self, photo: Tensor) -> bool:
        batch, _, height, width = photo.shape
        pixels = height * width
        if isinstance(self._tile, int):
            return max(height, width) > self._tile
        if self._tile == "off" or pixels <= _SIDES[-1] ** 2:
            return False
        return pixels > LARGEST_UNTILED or batch * pixels > affordable_pixels(self._generator, photo.device)

    def _largest_side(self, sides: tuple[int, ...], held: float, device: torch.device) -> int:
        """Return the side of tiles, or of blocks of which a share of the usual memory is held."""
        if isinstance(self._tile, int):
            return self._tile
        return largest_side(affordable_pixels(self._generator, device) / held, sides)

    def _run(self, generator: nn.Module, x: Tensor) -> Tensor:
        picture: Tensor = generator(x) if self._strength is None else generator(x, self._strength)
        return picture


def _tiles_of(block: Tile, locality: Locality) -> list[Tile]:
    """Divide all that is painted for the sake of a block into tiles without overlap."""
    rows, columns = block.rows, block.columns
    height, width = rows.seen_stop - rows.seen_start, columns.seen_stop - columns.seen_start
    tiles = divide_without_overlap(height, width, _JOINED, locality.multiple)
    return [tile.moved(rows.seen_start, columns.seen_start) for tile in tiles]


def _sample(size: tuple[int, int], locality: Locality) -> list[Tile]:
    """Return small tiles that are spread evenly over a picture."""
    tiles = divide(*size, _SAMPLE_SIDE, locality)
    pixels = min(max(_SAMPLED, _SAMPLED_SHARE * size[0] * size[1]), 2 * _SAMPLED)
    count = int(pixels / (_SAMPLE_SIDE + 2 * locality.margin) ** 2)
    # Multiples of the golden ratio, modulo 1, are spread more evenly than chance would.
    order = sorted(range(len(tiles)), key=lambda index: index * 0.6180339887 % 1)
    return [tiles[index] for index in sorted(order[: max(1, count)])]


def _put(tile: Tile, result: Tensor, painted: Tensor) -> None:
    tile.place(result).copy_(painted)
