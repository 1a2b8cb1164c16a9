"""Painting photos that do not fit into memory, from file to file."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from ganstyle.devices import device_of, release_free_memory
from ganstyle.errors import ImageError
from ganstyle.files import atomic_write
from ganstyle.images import SavingOptions, output_format, read_metadata
from ganstyle.images.color import luminance_only
from ganstyle.images.resample import enlarge_part
from ganstyle.images.spool import Spool, save_spool, spool_image
from ganstyle.models import takes_strength
from ganstyle.stylize.blend import blend_octaves
from ganstyle.stylize.controls import Controls
from ganstyle.stylize.grid import Tile
from ganstyle.stylize.layers import Layer, check_masks, layers_of, weigh
from ganstyle.stylize.strokes import pass_sides
from ganstyle.stylize.tiles import TiledPainter, TileSize
from ganstyle.temporary import owner_prefix

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
    pixel, about 15 bytes a pixel in all at the peak, and 6 more for each further style.

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
    image_format = output_format(output)
    with (
        atomic_write(output) as temporary,
        TemporaryDirectory(dir=temporary.parent, prefix=owner_prefix()) as name,
    ):
        folder = Path(name)
        photo = spool_image(source, folder / "photo")
        layers = layers_of(generator, trained_side)
        try:
            check_masks(layers, controls.mask, photo.size)
        except ImageError as error:
            raise ImageError(f"{source}: {error}") from error
        result = photo
        if controls.strength > 0:
            paintings = []
            for number, layer in enumerate(layers):
                (own := folder / str(number)).mkdir()
                paintings.append(_paint_layer(layer, photo, controls, tile, own))
            result = Spool(folder / "result", photo.size, photo.bits)
            for rows in _bands(photo.size[0]):
                result.write(_finish(layers, photo, paintings, controls, rows), rows)
            for painting in paintings:
                painting.delete()
        save_spool(
            result,
            temporary,
            image_format,
            name=output,
            quality=saving.quality,
            exif=read_metadata(source).exif_bytes(image_format, gps=saving.gps) if saving.metadata else None,
        )


def _paint_layer(layer: Layer, photo: Spool, controls: Controls, tile: TileSize, folder: Path) -> Spool:
    strength = controls.strength if takes_strength(layer.generator) else None
    painter = TiledPainter(layer.generator, strength, tile)
    sides = pass_sides(min(photo.size), controls.stroke_size, trained_side=layer.trained_side)
    return _paint_coarse_to_fine(painter, photo, sides, folder, device_of(layer.generator))


def _paint_coarse_to_fine(
    painter: TiledPainter, photo: Spool, sides: list[int], folder: Path, device: torch.device
) -> Spool:
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
        _paint(painter, fine, _Offset(before, seen, fine.size), painted, device)
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


def _paint(painter: TiledPainter, fine: Spool, offset: _Offset, painted: Spool, device: torch.device) -> None:
    def read(tile: Tile) -> Tensor:
        rows = slice(tile.rows.seen_start, tile.rows.seen_stop)
        columns = slice(tile.columns.seen_start, tile.columns.seen_stop)
        return (fine.read(rows, columns) + offset.read(rows, columns)).clamp_(0, 1).to(device)

    def write(tile: Tile, part: Tensor) -> None:
        columns = slice(tile.columns.start, tile.columns.stop)
        painted.write(part, slice(tile.rows.start, tile.rows.stop), columns)

    with torch.inference_mode():
        painter.paint(fine.size, read=read, write=write, device=device)
    # What follows is libvips' work, which maps whole files: their pages count as this process's memory.
    release_free_memory()


def _finish(
    layers: Sequence[Layer], photo: Spool, paintings: Sequence[Spool], controls: Controls, rows: slice
) -> Tensor:
    """Return rows of the result: combine the paintings, and apply what of the controls generators do not.

    Args:
        layers: what paints.
        photo: the photo.
        paintings: the picture of each layer.
        controls: as for `stylize_large`.
        rows: which.
    """
    blends = [controls.strength != 1 and not takes_strength(layer.generator) for layer in layers]
    height, width = photo.size
    margin = _MARGIN if any(blends) else 0
    seen = slice(max(0, rows.start - margin), min(height, rows.stop + margin))
    own = slice(rows.start - seen.start, rows.stop - seen.start)
    around = photo.read(seen)
    before = around[..., own, :]

    def part_of(mask: Tensor) -> Tensor:
        return _part_of_mask(mask, photo.size, rows, slice(0, width))

    def painted(painting: Spool, blend: bool) -> Tensor:
        picture = painting.read(seen)
        return (blend_octaves(around, picture, controls.strength) if blend else picture)[..., own, :]

    weights = weigh(layers, lambda region: part_of(region.mask))
    after = weights.combine(before, map(painted, paintings, blends))
    if controls.preserve_color:
        after = luminance_only(after, before)
    return after if controls.mask is None else torch.lerp(before, after, part_of(controls.mask))


def _part_of_mask(mask: Tensor, size: tuple[int, int], rows: slice, columns: slice) -> Tensor:
    read: Callable[[slice, slice], Tensor] = lambda r, c: mask[..., r, c]  # noqa: E731
    return enlarge_part(read, (mask.shape[-2], mask.shape[-1]), size, rows, columns).clamp_(0, 1)


def _bands(height: int) -> list[slice]:
    return [slice(start, min(height, start + _BAND)) for start in range(0, height, _BAND)]
