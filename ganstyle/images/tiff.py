"""Pillow's TIFF decoder, with the layouts that it misreads put right and the others refused by their name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFile
from PIL import TiffImagePlugin as Tiff

from ganstyle.errors import ImageError

if TYPE_CHECKING:
    from PIL._imaging import PixelAccess

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CMYK, _YCBCR = 0, 1, 2, 5, 6
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_ASSOCIATED, _UNASSOCIATED = 1, 2
_UNCOMPRESSED = 1
_SEPARATE = 2
_MAX_16 = np.uint16(65535)
_KINDS = {_SIGNED: "signed", _FLOAT: "floating-point", 5: "complex", 6: "complex"}


@dataclass(frozen=True)
class _Layout:
    """How a file's samples are stored.

    Attributes:
        color: the photometric interpretation.
        bits: of each sample.
        kind: the sample format.
        extra: what the samples beyond the color's are.
        separate: whether each channel has its own plane.
        compression: the scheme's number.
    """

    color: int
    bits: tuple[int, ...]
    kind: int
    extra: tuple[int, ...]
    separate: bool
    compression: int

    @classmethod
    def of(cls, tags: Tiff.ImageFileDirectory_v2) -> "_Layout":
        bits = tags.get(Tiff.BITSPERSAMPLE, (1,))
        samples = tags.get(Tiff.SAMPLESPERPIXEL, len(bits))
        kinds = tags.get(Tiff.SAMPLEFORMAT, (_UNSIGNED,))
        return cls(
            tags.get(Tiff.PHOTOMETRIC_INTERPRETATION, _WHITE_IS_ZERO),
            bits * samples if len(bits) == 1 and samples <= 8 else bits,
            max(kinds, default=_UNSIGNED),
            tags.get(Tiff.EXTRASAMPLES, ()),
            tags.get(Tiff.PLANAR_CONFIGURATION, 1) == _SEPARATE,
            tags.get(Tiff.COMPRESSION, _UNCOMPRESSED),
        )

    @property
    def is_gray(self) -> bool:
        return self.color in (_WHITE_IS_ZERO, _BLACK_IS_ZERO)

    def __str__(self) -> str:
        bits = "/".join(map(str, sorted(set(self.bits))))
        colors = {0: "gray", 1: "gray", 2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr", 8: "Lab"}
        color = colors.get(self.color, f"photometric {self.color}")
        alpha = " with alpha" if {_ASSOCIATED, _UNASSOCIATED} & set(self.extra) else ""
        planes = ", one plane a channel" if self.separate else ""
        kind = f"{_KINDS[self.kind]} " if self.kind in _KINDS else ""
        samples = "1 sample" if len(self.bits) == 1 else f"{len(self.bits)} samples"
        return f"{samples} of {bits} bits, {kind}{color}{alpha}{planes}"


class TiffImageFile(Tiff.TiffImageFile):
    """Pillow's TIFF, which also reads the following.

    - 16 bits in separate planes without compression, which Pillow scrambles;
    - gray of 16 bits where zero is white, which it inverts, and of 12 bits, which it leaves dark;
    - gray with alpha of 16 bits or premultiplied, and uncompressed YCbCr, which it calls damaged.

    The size is not compared with Pillow's limit, which is global to the process.

    Raises:
        ImageError: the samples have no known range, or their layout is not supported.
    """

    _finish: Callable[[Image.Image], Image.Image] | None = None

    def _open(self) -> None:
        assert self.fp is not None
        start = self.fp.read(4)
        self.fp.seek(0)
        if start == b"MM\0+":  # Pillow looks for its tags in the wrong place
            raise ImageError("big-endian BigTIFF is not supported; convert it to PNG")
        super()._open()

    def _setup(self) -> None:
        layout = _Layout.of(self.tag_v2)
        _check_range(layout)
        if layout.color == _RGB and layout.separate and len(layout.bits) == 4 and not layout.extra:
            # Nothing says what the fourth sample is, and Pillow and libtiff disagree.
            raise ImageError(_unsupported(layout))
        rawmode = _uncompressed_rawmode(layout) if layout.compression == _UNCOMPRESSED else None
        if layout.is_gray and len(layout.bits) == 2:
            rawmode = self._set_up_gray_alpha(layout)
        elif layout.color == _WHITE_IS_ZERO and layout.bits == (16,):
            self.tag_v2[Tiff.PHOTOMETRIC_INTERPRETATION] = _BLACK_IS_ZERO
            self._finish = _invert_16
        elif layout.bits == (12,):
            self._finish = _scale_12
        if rawmode:
            # Pillow fails on the offsets of some layouts, and libtiff has its own.
            for tag in {Tiff.STRIPOFFSETS, Tiff.TILEOFFSETS} & set(self.tag_v2):
                self.tag_v2[tag] = self.tag_v2[tag][:1]
        try:
            super()._setup()
        except SyntaxError as error:
            raise ImageError(_unsupported(layout)) from error
        if rawmode:
            # Pillow lets libtiff read compressed files only, though it reads uncompressed ones as well.
            self.use_load_libtiff = True
            args = (rawmode, self._compression, False, self.tag_v2.offset)
            self.tile = [ImageFile._Tile("libtiff", (0, 0, *self._tile_size), 0, args)]

    def _set_up_gray_alpha(self, layout: _Layout) -> str | None:
        """Prepare for gray and one more sample, and return the raw mode if Pillow's own does not fit."""
        inverted = layout.color == _WHITE_IS_ZERO
        if layout.separate or set(layout.bits) not in ({8}, {16}):
            raise ImageError(_unsupported(layout))
        self._finish = lambda image: _gray_alpha(image, inverted, layout.extra)
        self.tag_v2[Tiff.PHOTOMETRIC_INTERPRETATION] = _BLACK_IS_ZERO
        if layout.bits == (8, 8):
            self.tag_v2[Tiff.EXTRASAMPLES] = (_UNASSOCIATED,)
            return None
        # Two samples of 16 bits are read as one of 32, and separated afterward.
        self.tag_v2[Tiff.BITSPERSAMPLE] = (32,)
        self.tag_v2[Tiff.SAMPLESPERPIXEL] = 1
        self.tag_v2[Tiff.SAMPLEFORMAT] = (_SIGNED,)
        if Tiff.EXTRASAMPLES in self.tag_v2:
            del self.tag_v2[Tiff.EXTRASAMPLES]
        return "I;32N"

    def load(self) -> "PixelAccess | None":
        """Decode the pixels, unless that is done."""
        finish, self._finish = self._finish, None  # first, since turning the image upright calls this again
        pixels = super().load()
        if finish is not None:
            finished = finish(self)
            self.im, self._mode = finished.im, finished.mode
            pixels = Image.Image.load(self)
        return pixels

    def load_prepare(self) -> None:
        """Make the image to decode into, as Pillow does, but without its limit."""
        if self._im is None:
            self.im = Image.new(self.mode, self._tile_size).im
        super().load_prepare()


def _check_range(layout: _Layout) -> None:
    # Pillow writes its 32-bit integers as signed ones.
    if layout.kind in _KINDS and not (layout.kind == _SIGNED and layout.bits == (32,)):
        raise ImageError(
            f"{_KINDS[layout.kind]} pixels have no known range; save the image with 8 or 16 bits"
        )


def _uncompressed_rawmode(layout: _Layout) -> str | None:
    """Return how libtiff is to read an uncompressed file that Pillow misreads, or None if it does not."""
    if layout.color == _YCBCR and layout.bits == (8, 8, 8):
        return "RGBX"
    if not layout.separate or layout.color not in (_RGB, _CMYK) or set(layout.bits) not in ({8}, {16}):
        return None
    mode = "CMYK" if layout.color == _CMYK else "RGB"
    if layout.bits[0] == 8 and len(layout.bits) == len(mode):
        return None
    if _ASSOCIATED in layout.extra:
        mode = "RGBa"
    elif _UNASSOCIATED in layout.extra:
        mode = "RGBA"
    return f"{mode};16N" if layout.bits[0] == 16 else mode


def _invert_16(image: Image.Image) -> Image.Image:
    return Image.fromarray(_MAX_16 - np.asarray(image).astype(np.uint16))


def _scale_12(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image).astype(np.uint16)
    return Image.fromarray(pixels << 4 | pixels >> 8)


def _gray_alpha(image: Image.Image, inverted: bool, extra: tuple[int, ...]) -> Image.Image:
    """Return gray with straight alpha, of 8 bits; or only gray, where the second sample is no alpha."""
    samples, levels = np.asarray(image), 255
    if image.mode == "I":
        samples, levels = samples.view(np.uint16).reshape(*samples.shape, 2), 65535
    gray, alpha = (samples[..., channel].astype(np.float32) / levels for channel in (0, 1))
    if _ASSOCIATED in extra:
        gray = np.divide(gray, alpha, out=np.zeros_like(gray), where=alpha > 0).clip(0, 1)
    if inverted:
        gray = 1 - gray
    channels = [gray, alpha] if {_ASSOCIATED, _UNASSOCIATED} & set(extra) else [gray]
    merged = [Image.fromarray((channel * 255 + 0.5).astype(np.uint8)) for channel in channels]
    return Image.merge("LA", merged) if len(merged) == 2 else merged[0]


def _unsupported(layout: _Layout) -> str:
    return f"TIFF with {layout} is not supported; convert it to PNG"
