"""Stylize one image."""

from contextlib import nullcontext

import torch
from torch import Tensor, nn

from ganstyle.devices import device_of, is_out_of_memory, keep_freed_memory
from ganstyle.errors import ImageError, ImageTooLargeError
from ganstyle.images.color import luminance_only
from ganstyle.models import takes_strength
from ganstyle.stylize.blend import blend_octaves
from ganstyle.stylize.controls import PLAIN, Controls, fit_mask
from ganstyle.stylize.layers import Layer, layers_of, weigh
from ganstyle.stylize.strokes import TRAINED_SIDE, paint_coarse_to_fine, pass_sides
from ganstyle.stylize.tiles import LARGEST_UNTILED, TiledPainter, TileSize

_LARGE_MAPS = 1024**2  # pixels from which on maps are too large for the C library to keep


def stylize_image(
    generator: nn.Module,
    image: Tensor,
    controls: Controls = PLAIN,
    *,
    trained_side: int = TRAINED_SIDE,
    tile: TileSize = "auto",
) -> Tensor:
    """Run a generator on an image, on the device where the generator is.

    In float32 everywhere: in a smooth area instance norm enlarges the rounding of bfloat16 to ten levels
    of 255 and more, in a pattern of four pixels' period where it is flat.

    Args:
        generator: maps (B, 3, H, W) in [0, 1] to the same; one that was trained with strength takes it
            as a second argument. Or a `LayeredGenerator`.
        image: (B, 3, H, W) in [0, 1], on any device.
        controls: how strongly, with strokes how large, in whose colors and where the image is painted.
        trained_side: shorter side in pixels of the pictures that the generator was trained on: a recipe's
            ``style.size``. Larger images are painted from coarse to fine; see `ganstyle.stylize.strokes`.
        tile: the largest side in pixels of the tiles that an image is painted in, which saves memory and
            changes nothing else; ``off``: paint it at once.

    Returns:
        (B, 3, H, W) float32 in [0, 1], on the CPU.

    Raises:
        ImageTooLargeError: there is not enough memory for an image of this size.
        ImageError: the result is not finite, or the mask does not fit the image.
    """
    device = device_of(generator, image.device)
    height, width = image.shape[-2:]
    try:
        # Not channels_last: the generators' group norm is wrong, and slow, on that layout.
        image = image.to(device, torch.float32, memory_format=torch.contiguous_format)
        with torch.inference_mode():
            result = _paint(generator, image, controls, trained_side, tile).to("cpu", torch.float32)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise ImageTooLargeError(
            f"{width}x{height} pixels need more memory than {device} has; downscale the image first"
        ) from error
    if not torch.isfinite(result).all():
        raise ImageError("the style's result is not finite (NaN or infinity); its weights are damaged")
    # Outside inference mode a clone is an ordinary tensor, which may be used in any way.
    ordinary: Tensor = result.clone()
    return ordinary


def _paint(
    generator: nn.Module, photo: Tensor, controls: Controls, trained_side: int, tile: TileSize
) -> Tensor:
    height, width = photo.shape[-2:]
    mask = None if controls.mask is None else fit_mask(controls.mask, (height, width)).to(photo)
    layers = layers_of(generator, trained_side)
    weights = weigh(layers, lambda region: region.fit((height, width)).to(photo))
    if controls.strength == 0:
        return photo
    painting = weights.combine(photo, (_paint_layer(layer, photo, controls, tile) for layer in layers))
    if controls.preserve_color:
        painting = luminance_only(painting, photo)
    return painting if mask is None else torch.lerp(photo, painting, mask)


def _paint_layer(layer: Layer, photo: Tensor, controls: Controls, tile: TileSize) -> Tensor:
    takes = takes_strength(layer.generator)
    sides = pass_sides(min(photo.shape[-2:]), controls.stroke_size, trained_side=layer.trained_side)
    paint = TiledPainter(layer.generator, controls.strength if takes else None, tile)
    # Tiles would fragment the memory that is kept.
    at_once = _LARGE_MAPS < photo.shape[-2] * photo.shape[-1] <= LARGEST_UNTILED
    with keep_freed_memory() if at_once else nullcontext():
        painting = paint_coarse_to_fine(paint, photo, sides)
    return painting if takes else blend_octaves(photo, painting, controls.strength)
