"""Photos as files: pixels with transparency, metadata and depth, so that paintings can keep them."""

import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageFile, PngImagePlugin
from PIL import TiffImagePlugin as Tiff
from torch import Tensor

from ganstyle.errors import GanstyleError, ImageError
from ganstyle.extras import is_installed
from ganstyle.files import atomic_write
from ganstyle.images.codec import MAX_PIXELS, encode_picture, opened, opened_bytes, output_format
from ganstyle.images.convert import from_pil, to_pil, upright
from ganstyle.images.metadata import Metadata
from ganstyle.images.spool import can_spool, read_deep, save_deep

_HOLD_ALPHA = ("PNG", "WEBP", "AVIF", "TIFF")
_HOLD_16_BITS = ("PNG", "TIFF")


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo that has been read.

    Attributes:
        image: (1, 3, H, W) in [0, 1], upright, in sRGB, on white.
        alpha: how opaque it is, (1, 1, H, W) in [0, 1]; None: everywhere.
        metadata: what its file says besides.
        bits: of each sample in the file, 8 or 16.
        animated: whether the file holds more pictures than this, its first.
    """

    image: Tensor
    alpha: Tensor | None
    metadata: Metadata
    bits: int
    animated: bool


@dataclass(frozen=True)
class SavingOptions:
    """What a painting's file keeps of its photo's.

    Attributes:
        quality: of JPEG, WebP and AVIF, 1 to 100.
        metadata: EXIF and color profile.
        gps: the place where the photo was taken.
        alpha: transparency, where the format can hold it; if not, the picture stands on white.

    Raises:
        GanstyleError: the quality is out of range.
    """

    quality: int = 95
    metadata: bool = True
    gps: bool = False
    alpha: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.quality <= 100:
            raise GanstyleError(f"quality {self.quality}: give a number from 1 to 100")


def read_photo(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Photo:
    """Read a photo with all that `write_photo` can keep; see `read_image`.

    PNG and TIFF of 16 bits in color are read at their full depth where the extra ``large`` is installed.

    Raises:
        ImageError: as for `read_image`.
    """
    path = Path(path)
    with opened(path, max_pixels) as image:
        photo = _load(image)
        # Pillow reads 16 bits of gray as they are, but of colors only the upper 8.
        deep = photo.bits == 16 and not image.mode.startswith("I") and can_spool(path)
    if deep:
        with suppress(ImageError):  # of a layout that only Pillow reads, 8 bits are better than nothing
            return replace(photo, image=read_deep(path))
    return photo


def decode_photo(data: bytes, name: str, *, max_pixels: int = MAX_PIXELS) -> Photo:
    """Read a photo from memory, such as one from a shard; see `read_photo`. Colors have 8 bits.

    Raises:
        ImageError: as for `read_image`.
    """
    with opened_bytes(data, name, max_pixels) as image:
        return replace(_load(image), bits=8)


def read_metadata(path: Path) -> Metadata:
    """Read what a file's header says, of an image of any size.

    Raises:
        ImageError: as for `read_image`.
    """
    with opened(path, sys.maxsize) as image:
        return Metadata.of(image)


def is_animated(path: Path) -> bool:
    """Say whether an image file, of any size, holds more pictures than its first.

    Raises:
        ImageError: as for `read_image`.
    """
    with opened(path, sys.maxsize) as image:
        return _is_animated(image)


def write_photo(image: Tensor, path: str | Path, photo: Photo, options: SavingOptions) -> None:
    """Write a painting of a photo, which keeps of the photo's file what it can; all of it or nothing.

    Args:
        image: (1, 3, H, W) floating point, of the photo's size or smaller.
        path: where to; its suffix decides on the format.
        photo: what was painted.
        options: what to keep of it.

    Raises:
        ImageError: as for `write_image`.
        GanstyleError: the disk is full, or the folder cannot be written to.
    """
    path = Path(path)
    image_format = output_format(path)
    is_opaque = photo.alpha is None or not options.alpha
    if photo.bits == 16 and image_format in _HOLD_16_BITS and is_opaque and is_installed("pyvips"):
        exif = photo.metadata.exif_bytes(image_format, gps=options.gps) if options.metadata else None
        with atomic_write(path) as temporary:
            save_deep(image, temporary, image_format, name=path, exif=exif)
        return
    content = encode_photo(image, path, photo, options)
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def encode_photo(image: Tensor, path: Path, photo: Photo, options: SavingOptions) -> bytes:
    """Return the content of a painting's file, of 8 bits; see `write_photo`.

    Args:
        image: (1, 3, H, W) floating point, of the photo's size or smaller.
        path: the name's suffix decides on the format, and errors give it.
        photo: what was painted.
        options: what to keep of it.

    Raises:
        ImageError: as for `write_image`.
    """
    image_format = output_format(path)
    alpha = photo.alpha if options.alpha and image_format in _HOLD_ALPHA else None
    exif = photo.metadata.exif_bytes(image_format, gps=options.gps) if options.metadata else None
    try:
        picture = to_pil(image)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from None
    extra: dict[str, Any] = {} if exif is None else {"exif": exif}
    if options.metadata:
        picture, profile = photo.metadata.in_profile(picture)
        if profile is not None:
            extra["icc_profile"] = profile
    if alpha is not None:
        levels = (alpha[0, 0] * 255 + 0.5).byte().numpy()
        picture.putalpha(Image.fromarray(levels).resize(picture.size))
    return encode_picture(picture, path, image_format, options.quality, **extra)


def _load(image: ImageFile.ImageFile) -> Photo:
    bits, animated, metadata = _bits(image), _is_animated(image), Metadata.of(image)
    image.load()
    return Photo(from_pil(image), _alpha(image), metadata, bits, animated)


def _bits(image: ImageFile.ImageFile) -> int:
    """Return the depth that a header tells: 16, or 8 for all else."""
    if isinstance(image, PngImagePlugin.PngImageFile):
        return 16 if any(";16" in str(tile[3]) for tile in image.tile) else 8
    if isinstance(image, Tiff.TiffImageFile):
        return 16 if max(image.tag_v2.get(Tiff.BITSPERSAMPLE, (8,))) == 16 else 8
    return 8


def _is_animated(image: ImageFile.ImageFile) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # the first picture may be good, whatever follows
        return False


def _alpha(image: Image.Image) -> Tensor | None:
    """Return an image's alpha, upright; None where all of it is opaque."""
    if not image.has_transparency_data or image.mode.startswith("I"):
        return None
    alpha = np.array(upright(image).convert("RGBA").getchannel("A"))
    if alpha.min() == 255:
        return None
    return torch.from_numpy(alpha).float().div_(255)[None, None]
