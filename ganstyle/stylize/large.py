"""Painting photos that do not fit into memory, from file to file."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from ganstyle.files import atomic_write
from ganstyle.images import SavingOptions, output_format, read_metadata
from ganstyle.images.color import luminance_only
from ganstyle.images.resample import enlarge_part
from ganstyle.images.spool import Spool, save_spool, spool_image
from ganstyle.models import takes_strength
from ganstyle.stylize.blend import blend_octaves
from ganstyle.stylize.controls import Controls, check_mask_fits
from ganstyle.stylize.grid import Tile
from ganstyle.stylize.strokes import pass_sides
from ganstyle.stylize.tiles import TiledPainter, TileSize

LARGE = 32_000_000
"""Pixels from which on a photo is painted from file to file, if the extra ``large`` is installed."""

_BAND = 256  # rows that are finished at a time
_MARGIN = 192  # rows around them that blending octaves looks at; both multiples of its coarsest pixel


def stylize_large(
    generator: nn.Module,
    source: Path,
    output: Path,
    controls: Controls,
    *,
    trained_side: int,
    tile: TileSize = "auto",
    saving: SavingOptions = SavingOptions(),  # noqa: B008 - frozen
) -> None:
    """Paint a photo in bounded memory: everything as large as it lies in temporary files beside the result.

    What `stylize_image` does to tensors, this does to files of raw pixels, part by part: 3 or 6 bytes a
    pixel, about 15 bytes a pixel in all at the peak.

    Args:
        generator: as for `stylize_image`.
        source: the photo, which `check_image` has passed.
        output: the result.
        controls: as for `stylize_image`; a mask is enlarged without antialiasing.
        trained_side: as for `stylize_image`.
        tile: as for `stylize_image`; ``off`` is taken for ``auto``.
        saving: what the result keeps of the photo's file: its EXIF and depth. It is in sRGB, on white.

    Raises:
        GanstyleError: the photo is damaged, a mask does not fit, the generator needs the whole picture, or
            the result cannot be written.
    """
    with (
        atomic_write(output) as temporary,
        TemporaryDirectory(dir=temporary.parent, prefix=".ganstyle-") as name,
    ):
        folder = Path(name)
        photo = spool_image(source, folder / "photo")
        if controls.mask is not None:
            check_mask_fits(controls.mask, photo.size)
        painter = TiledPainter(generator, controls.strength if takes_strength(generator) else None, tile)
        result = photo
        if controls.strength > 0:
            sides = pass_sides(min(photo.size), controls.stroke_size, trained_side=trained_side)
            painting = _paint_coarse_to_fine(painter, photo, sides, folder)
            result = Spool(folder / "result", photo.size, photo.bits)
            _finish(generator, photo, painting, controls, result)
            painting.delete()
        save_spool(
            result,
            temporary,
            output_format(output),
            name=output,
            quality=saving.quality,
            exif=read_metadata(source).exif_bytes(gps=saving.gps) if saving.metadata else None,
        )


def _paint_coarse_to_fine(painter: TiledPainter, photo: Spool, sides: list[int], folder: Path) -> Spool:
    """Paint like `ganstyle.stylize.strokes.paint_coarse_to_fine`."""
    picture: Spool | None = None
    for number, side in enumerate(sides):
        last = number == len(sides) - 1
        scale = side / min(photo.size)
        size = (max(1, round(photo.size[0] * scale)), max(1, round(photo.size[1] * scale)))
        fine = photo if last else photo.reduce(size, folder / f"photo-{number}")
        painted = Spool(folder / f"painted-{number}", fine.size)
        before, seen = picture, None
        if before is not None:
            seen = fine.reduce(before.size, folder / "seen")
        _paint(painter, fine, _Offset(before, seen, fine.size), painted)
        if not last:
            fine.delete()
        if before is not None and seen is not None:
            seen.delete()
            seen = painted.reduce(before.size, folder / "seen")
            offset = _Offset(before, seen, painted.size)
            for rows in _bands(painted.size[0]):
                painted.write((painted.read(rows) + offset.read(rows)).clamp_(0, 1), rows)
            seen.delete()
            before.delete()
        picture = painted
    assert picture is not None
    return picture


class _Offset:
    """How a picture differs from a larger one, enlarged to that one's size; see `strokes.with_detail`."""

    def __init__(self, picture: Spool | None, seen: Spool | None, size: tuple[int, int]) -> None:
        self._picture, self._seen, self._size = picture, seen, size

    def read(self, rows: slice, columns: slice | None = None) -> Tensor:
        """Return a part, (1, 3, h, w)."""
        picture, seen = self._picture, self._seen
        if picture is None or seen is None:
            return torch.zeros(1, 3, 1, 1)
        columns = columns or slice(0, self._size[1])
        return enlarge_part(
            lambda r, c: picture.read(r, c) - seen.read(r, c), picture.size, self._size, rows, columns
        )


def _paint(painter: TiledPainter, fine: Spool, offset: _Offset, painted: Spool) -> None:
    def read(tile: Tile) -> Tensor:
        rows = slice(tile.rows.seen_start, tile.rows.seen_stop)
        columns = slice(tile.columns.seen_start, tile.columns.seen_stop)
        return (fine.read(rows, columns) + offset.read(rows, columns)).clamp_(0, 1)

    def write(tile: Tile, part: Tensor) -> None:
        columns = slice(tile.columns.start, tile.columns.stop)
        painted.write(part, slice(tile.rows.start, tile.rows.stop), columns)

    with torch.inference_mode():
        painter.paint(fine.size, read=read, write=write)


def _finish(generator: nn.Module, photo: Spool, painting: Spool, controls: Controls, result: Spool) -> None:
    """Apply what of the controls is not the generator's business, as `stylize_image` does."""
    blends = controls.strength != 1 and not takes_strength(generator)
    height, width = photo.size
    for rows in _bands(height):
        margin = _MARGIN if blends else 0
        seen = slice(max(0, rows.start - margin), min(height, rows.stop + margin))
        before, after = photo.read(seen), painting.read(seen)
        if blends:
            after = blend_octaves(before, after, controls.strength)
        if controls.preserve_color:
            after = luminance_only(after, before)
        own = slice(rows.start - seen.start, rows.stop - seen.start)
        before, after = before[..., own, :], after[..., own, :]
        if controls.mask is not None:
            mask = _part_of_mask(controls.mask, photo.size, rows, slice(0, width))
            after = torch.lerp(before, after, mask)
        result.write(after, rows)


def _part_of_mask(mask: Tensor, size: tuple[int, int], rows: slice, columns: slice) -> Tensor:
    read: Callable[[slice, slice], Tensor] = lambda r, c: mask[..., r, c]  # noqa: E731
    return enlarge_part(read, (mask.shape[-2], mask.shape[-1]), size, rows, columns).clamp_(0, 1)


def _bands(height: int) -> list[slice]:
    return [slice(start, min(height, start + _BAND)) for start in range(0, height, _BAND)]
