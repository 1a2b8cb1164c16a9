"""Images that do not fit into memory: raw pixels in a temporary file, read and written in parts.

Decoding, encoding and reducing are libvips' work, which streams; the extra ``large`` installs it.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import ImageFile
from PIL import TiffImagePlugin as Tiff
from torch import Tensor

from ganstyle.errors import ImageError, one_line
from ganstyle.extras import is_installed, require
from ganstyle.images.codec import opened

if TYPE_CHECKING:
    import pyvips

_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP")
_NUMPY = {8: np.uint8, 16: np.uint16}
_VIPS = {8: "uchar", 16: "ushort"}
_INTERPRETATIONS = {8: "srgb", 16: "rgb16"}
_YCBCR = 6


class Spool:
    """RGB pixels in a raw file.

    Args:
        path: the file.
        size: height and width in pixels.
        bits: of each sample, 8 or 16.
    """

    def __init__(self, path: Path, size: tuple[int, int], bits: int = 16) -> None:
        self.path, self.size, self.bits = path, size, bits

    def read(self, rows: slice, columns: slice = slice(None)) -> Tensor:
        """Return a part as (1, 3, h, w) float32 in [0, 1]."""
        # Mapped anew each time: pages of a map count as memory of the process for as long as it lives.
        part = np.array(self._map("r")[rows, columns])
        pixels = torch.from_numpy(part.astype(np.float32))
        return pixels.permute(2, 0, 1).contiguous().unsqueeze(0).div_(2**self.bits - 1)

    def write(self, image: Tensor, rows: slice, columns: slice = slice(None)) -> None:
        """Write (1, 3, h, w) in [0, 1] as a part; the file is created by the first one."""
        if not self.path.exists():
            with self.path.open("wb") as file:
                # On a full disk, writing to a map of a file with holes would kill the process.
                os.posix_fallocate(file.fileno(), 0, self.size[0] * self.size[1] * 3 * self.bits // 8)
        levels = (image[0] * (2**self.bits - 1) + 0.5).floor_().clamp_(0, 2**self.bits - 1)
        part = levels.permute(1, 2, 0).cpu().numpy().astype(_NUMPY[self.bits])
        # Not flushed: waiting for the disk after each tile takes longer than painting it.
        self._map("r+")[rows, columns] = part

    def reduce(self, size: tuple[int, int], path: Path) -> "Spool":
        """Write a smaller copy, of 16 bits, by antialiased bicubic interpolation."""
        small = self.to_vips().cast("float")
        if self.bits == 8:
            small = small * 257
        small = small.resize(size[1] / self.size[1], vscale=size[0] / self.size[0], kernel="cubic")
        small = (small + 0.5).cast("ushort").extract_area(0, 0, size[1], size[0])
        with vips_errors(path):
            small.rawsave(os.fsencode(path))
        return Spool(path, size)

    def to_vips(self) -> "pyvips.Image":
        """Return the image for libvips, unread."""
        import pyvips

        image = pyvips.Image.rawload(
            os.fsencode(self.path),
            self.size[1],
            self.size[0],
            3,
            format=_VIPS[self.bits],
            access="sequential",
        )
        return image.copy(interpretation=_INTERPRETATIONS[self.bits])

    def delete(self) -> None:
        """Delete the file."""
        self.path.unlink(missing_ok=True)

    def _map(self, mode: Any) -> "np.memmap[Any, Any]":
        return np.memmap(self.path, _NUMPY[self.bits], mode, shape=(*self.size, 3))


def can_spool(path: Path) -> bool:
    """Say whether an image can be read in parts: the extra ``large`` is installed, and reads it as Pillow."""
    if not is_installed("pyvips") or not path.is_file():
        return False
    try:
        with opened(path, sys.maxsize) as image:
            return image.format in _FORMATS and _is_read_alike(image)
    except ImageError:  # whoever reads it in one piece says what is wrong
        return False


def _is_read_alike(image: ImageFile.ImageFile) -> bool:
    """Say whether libvips sees the same colors as Pillow in an image, of which the header has been read."""
    if image.mode == "CMYK":
        # Without a profile, libvips takes one of its own. The header of a profile says what it is for.
        return bytes(image.info.get("icc_profile") or b"")[16:20] == b"CMYK"
    if not isinstance(image, Tiff.TiffImageFile):
        return True
    tags = image.tag_v2
    is_raw_ycbcr = tags.get(Tiff.PHOTOMETRIC_INTERPRETATION) == _YCBCR and tags.get(Tiff.COMPRESSION, 1) == 1
    has_unknown_sample = 0 in tags.get(Tiff.EXTRASAMPLES, ())  # which libvips takes for alpha
    is_refused = image.mode == "LAB" or 12 in tags.get(Tiff.BITSPERSAMPLE, ())
    return not (is_refused or is_raw_ycbcr or has_unknown_sample)


def spool_image(source: Path, path: Path) -> Spool:
    """Decode an image file that `check_image` has passed: upright, in sRGB, on white, as `read_image` does.

    Raises:
        ImageError: it is damaged, or libvips does not read it.
        MissingExtraError: libvips is not installed.
    """
    require("pyvips", "reading a photo in parts")
    turned = path.with_suffix(".upright.v")
    with vips_errors(source):
        image = _open_upright(source, turned)
        size, bits = (image.height, image.width), 16 if image.format == "ushort" else 8
        image.rawsave(os.fsencode(path))
    turned.unlink(missing_ok=True)
    return Spool(path, size, bits)


def read_deep(source: Path) -> Tensor:
    """Read an image file at its full depth into memory; see `read_image`.

    Raises:
        ImageError: it is damaged, or libvips does not read it.
    """
    with TemporaryDirectory() as folder, vips_errors(source):
        image = _open_upright(source, Path(folder, "upright.v"))
        levels = 65535 if image.format == "ushort" else 255
        pixels = torch.from_numpy(image.numpy().astype(np.float32))
    return pixels.permute(2, 0, 1).contiguous().unsqueeze(0).div_(levels)


def save_deep(image: Tensor, path: Path, image_format: str, *, name: Path, exif: bytes | None = None) -> None:
    """Write (1, 3, H, W) with 16 bits; see `save_spool`."""
    import pyvips

    levels = (image[0] * 65535 + 0.5).floor_().clamp_(0, 65535).permute(1, 2, 0).contiguous()
    picture = pyvips.Image.new_from_array(levels.numpy().astype(np.uint16), interpretation="rgb16")
    _save(picture, path, image_format, name=name, exif=exif)


def _open_upright(source: Path, turned: Path) -> "pyvips.Image":
    """Open an image as RGB of 8 or 16 bits, upright, in sRGB, on white.

    Args:
        source: the file.
        turned: a file for the image while it is turned, which must outlive the result.
    """
    import pyvips

    # Its loader for files decodes their names as UTF-8, which they need not be.
    opened_source = pyvips.Source.new_from_file(os.fsencode(source))
    image = pyvips.Image.new_from_source(opened_source, "", access="sequential", fail_on="truncated")
    if image.format not in _VIPS.values():
        raise ImageError(f"{source}: pixels of type {image.format} have no known range; save 8 or 16 bits")
    bits = 16 if image.format == "ushort" else 8
    if image.get_typeof("icc-profile-data"):
        # The intent is Pillow's; libvips has another default.
        image = image.icc_transform("srgb", embedded=True, depth=bits, intent="perceptual")
    image = image.colourspace(_INTERPRETATIONS[bits])
    if image.hasalpha():
        image = image.flatten(background=2**bits - 1, max_alpha=2**bits - 1)
    image = image.cast(_VIPS[bits])
    if image.get_typeof("orientation") and image.get("orientation") != 1:
        # Rotating needs random access, which a file on disk has.
        image.vipssave(os.fsencode(turned))
        image = pyvips.Image.vipsload(os.fsencode(turned)).autorot()
    return image


def save_spool(
    spool: Spool,
    path: Path,
    image_format: str,
    *,
    name: Path,
    quality: int = 95,
    exif: bytes | None = None,
) -> None:
    """Encode an image file.

    Args:
        spool: the pixels.
        path: where to.
        image_format: as `output_format` names it.
        name: what an error calls the file.
        quality: of formats that lose something, 1 to 100.
        exif: to embed, from `Metadata.exif_bytes`.

    Raises:
        ImageError: the format cannot hold so many pixels.
    """
    _save(spool.to_vips(), path, image_format, name=name, quality=quality, exif=exif)


def _save(
    image: "pyvips.Image",
    path: Path,
    image_format: str,
    *,
    name: Path,
    quality: int = 95,
    exif: bytes | None = None,
) -> None:
    import pyvips

    if exif is not None:
        image = image.copy()
        image.set_type(pyvips.GValue.blob_type, "exif-data", exif)
    all_options: dict[str, dict[str, Any]] = {
        "JPEG": {"Q": quality, "subsample_mode": "off"},
        "WEBP": {"Q": quality},
        "PNG": {"compression": 6},
        "TIFF": {"compression": "deflate", "predictor": "horizontal", "tile": True, "bigtiff": True},
        "AVIF": {"Q": quality, "compression": "av1"},
    }
    save = {"AVIF": "heifsave"}.get(image_format, f"{image_format.lower()}save")
    with vips_errors(name, f"cannot be written as {image_format}", "; try .png or .tif"):
        getattr(image, save)(os.fsencode(path), **all_options[image_format])


@contextmanager
def vips_errors(name: Path, problem: str = "damaged or not an image", advice: str = "") -> Iterator[None]:
    """Turn what libvips raises into an ImageError that names the file."""
    import pyvips

    try:
        yield
    except pyvips.Error as error:
        reason = one_line(error.detail or error.message, 200)
        raise ImageError(f"{name}: {problem} ({reason}){advice}") from None
