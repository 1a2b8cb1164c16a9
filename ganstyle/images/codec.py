"""The only door for pixels: image files on one side, RGB float32 NCHW tensors in [0, 1] on the other.

Nothing here changes a global setting of Pillow, so that images may be read from several threads.
"""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    ImageOps,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from torch import Tensor

from ganstyle.errors import ImageError
from ganstyle.files import atomic_write, is_stream

MAX_PIXELS = 100_000_000
"""Default limit on height times width of an image that is read, in pixels."""

WRITE_FORMATS = {".jpeg": "JPEG", ".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP"}
"""Lower-case suffix to the name of the format that is written."""

_MAX_16_BITS = 65535


def read_image(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Tensor:
    """Read an image file upright, in sRGB, without transparency.

    EXIF orientation is applied, an embedded ICC profile is converted to sRGB, transparency is composited
    on white, 16-bit gray is rescaled, and of an animation the first frame is taken.

    Args:
        path: a JPEG, JPEG 2000, PNG, WebP, AVIF, TIFF, BMP or GIF file; its name's suffix does not matter.
        max_pixels: the largest height times width, in pixels; checked before anything is decoded.

    Returns:
        (1, 3, H, W) float32 in [0, 1], contiguous, on the CPU.

    Raises:
        ImageError: the file is missing, damaged, too large or of another format.
    """
    with _opened(path, max_pixels) as image:
        image.load()
        return from_pil(image)


def decode_image(data: bytes, name: str, *, max_pixels: int = MAX_PIXELS) -> Tensor:
    """Decode an image that lies in memory, such as one out of a database; see `read_image`.

    Args:
        data: the bytes of an image file.
        name: what an error calls it.
        max_pixels: the largest height times width, in pixels.

    Returns:
        (1, 3, H, W) float32 in [0, 1], contiguous, on the CPU.

    Raises:
        ImageError: the image is damaged, too large or of another format.
    """
    with _as_image_error(name, max_pixels):
        image = _begin(BytesIO(data), max_pixels)
        image.load()
        return from_pil(image)


def check_image(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Read an image's size from its header, at a small part of the cost of decoding it.

    A file that passes may still turn out to be damaged further on.

    Args:
        path: the file.
        max_pixels: the largest height times width, in pixels.

    Returns:
        (height, width) in pixels, as `read_image` would return them.

    Raises:
        ImageError: the file is missing, too large, of another format or damaged at its beginning.
    """
    with _opened(path, max_pixels) as image:
        width, height = image.size
        return (width, height) if _is_on_its_side(image) else (height, width)


def write_image(image: Tensor, path: str | Path, *, quality: int = 95) -> None:
    """Write an image as PNG, JPEG or WebP, by the path's suffix; all of it or nothing.

    Args:
        image: (3, H, W) or (1, 3, H, W) floating point; values outside [0, 1] are clamped.
        path: where to; its folder is made if it does not exist.
        quality: of JPEG and WebP, 1 to 100.

    Raises:
        ImageError: another suffix, a pixel that is not finite, or a size that the format cannot hold.
        GanstyleError: the disk is full, or the folder cannot be written to.
        ValueError: another shape or type of tensor.
    """
    path = Path(path)
    image_format = output_format(path)
    try:
        picture = to_pil(image)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from None
    try:
        content = _encode(picture, image_format, quality)
    except (OSError, ValueError) as error:  # the sizes that JPEG and WebP can hold are limited
        raise ImageError(
            f"{path}: {picture.width}x{picture.height} pixels cannot be written as {image_format} "
            f"({_one_line(error)}); try .png"
        ) from error
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def encode_png(image: Tensor) -> bytes:
    """Return the content of a PNG file of an image, (3, H, W) or (1, 3, H, W); see `write_image`.

    Raises:
        ImageError: a pixel is not finite.
    """
    return _encode(to_pil(image), "PNG", 0)


def encode_jpeg(image: Tensor, *, quality: int = 90) -> bytes:
    """Return the content of a JPEG file of an image, (3, H, W) or (1, 3, H, W); see `write_image`.

    Raises:
        ImageError: a pixel is not finite.
    """
    return _encode(to_pil(image), "JPEG", quality)


def output_format(path: str | Path) -> str:
    """Name the format that `write_image` would use for a path: ``"PNG"``, ``"JPEG"`` or ``"WEBP"``.

    The suffix decides. A stream without one, such as ``/dev/fd/63``, gets PNG.

    Raises:
        ImageError: the suffix is none of .png, .jpg, .jpeg, .webp.
    """
    path = Path(path)
    if not path.suffix and is_stream(path):
        return "PNG"
    try:
        return WRITE_FORMATS[path.suffix.lower()]
    except KeyError:
        what = f"'{path.suffix}' images" if path.suffix else "an image without a suffix"
        raise ImageError(f"{path}: cannot write {what}; use .png, .jpg or .webp") from None


def from_pil(image: Image.Image) -> Tensor:
    """Convert a Pillow image of any mode, as `read_image` does with a file's.

    Args:
        image: the image; its EXIF orientation and ICC profile are applied.

    Returns:
        (1, 3, H, W) float32 in [0, 1], contiguous.

    Raises:
        ImageError: it has no pixels, or pixels of a kind that has no known range (32 bits, floats).
    """
    if 0 in image.size:
        raise ImageError("the image has no pixels")
    profile = image.info.get("icc_profile")
    image = _upright(image)
    if image.mode == "F" or (image.mode == "I" and not _fits_16_bits(image)):
        raise ImageError("pixels of 32 bits have no known range; save the image with 8 or 16 bits")
    if image.mode.startswith("I"):
        gray = torch.from_numpy(np.asarray(image).astype(np.float32) / _MAX_16_BITS)
        return gray.expand(1, 3, *gray.shape).contiguous()
    pixels = torch.from_numpy(np.array(_to_srgb(image, profile)))
    # Channels must be made the outer dimension in memory too: `.to` would keep the order of the strides.
    return pixels.permute(2, 0, 1).contiguous().unsqueeze(0).to(torch.float32).div_(255)


def to_pil(image: Tensor) -> Image.Image:
    """Convert to an 8-bit RGB Pillow image, rounding to the nearest level.

    Args:
        image: (3, H, W) or (1, 3, H, W) floating point; values outside [0, 1] are clamped.

    Raises:
        ImageError: a pixel is not finite.
        ValueError: another shape or type of tensor.
    """
    if not _is_image_tensor(image):
        raise ValueError(
            "expected a floating-point image of shape (3, H, W) or (1, 3, H, W), "
            f"got {tuple(image.shape)} {image.dtype}"
        )
    pixels = image.detach().reshape(image.shape[-3:]).to("cpu", torch.float32)
    if not torch.isfinite(pixels).all():
        raise ImageError("the image holds pixels that are not finite (NaN or infinity)")
    levels = (pixels * 255 + 0.5).floor_().clamp_(0, 255).to(torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).contiguous().numpy())


def _encode(picture: Image.Image, image_format: str, quality: int) -> bytes:
    """Return a file's content; ``quality`` is of no matter to PNG."""
    # JPEG without subsampling: strokes have sharp edges in color.
    options = {"subsampling": "4:4:4"} if image_format == "JPEG" else {}
    buffer = BytesIO()
    picture.save(buffer, image_format, quality=quality, **options)
    return buffer.getvalue()


@contextmanager
def _opened(path: str | Path, max_pixels: int) -> Iterator[ImageFile.ImageFile]:
    """Open an image file of an allowed format and size; what fails in the block is an ImageError too."""
    path = Path(path)
    with _as_image_error(str(path), max_pixels):
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise ImageError("is a folder, not an image")
        if not stat.S_ISREG(kind):  # opening a pipe would wait for ever
            raise ImageError("is not a regular file")
        # Without its name the file is not mapped into memory, which goes wrong in Pillow 12.3 on an
        # uncompressed TIFF that is to be turned, and in any version when the file shrinks meanwhile.
        with path.open("rb") as file:
            yield _begin(file, max_pixels)


def _begin(file: BinaryIO, max_pixels: int) -> ImageFile.ImageFile:
    """Read an image's header only."""
    decoder = _decoder(file.read(16))
    file.seek(0)
    image = decoder(file)
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(_too_large(f"{width}x{height} pixels", max_pixels))
    return image


@contextmanager
def _as_image_error(name: str, max_pixels: int) -> Iterator[None]:
    """Turn whatever goes wrong with an image into an ImageError that names it."""
    try:
        yield
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from None
    except FileNotFoundError:
        raise ImageError(f"{name}: no such file") from None
    except PermissionError:
        raise ImageError(f"{name}: may not be read; check its permissions") from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name}: {_too_large('its size', max_pixels)}") from error
    except MemoryError as error:
        raise ImageError(f"{name}: too large for the memory at hand") from error
    except Exception as error:  # on damaged data a decoder may raise nearly anything
        raise ImageError(f"{name}: damaged or not an image ({_one_line(error)})") from error


class _TiffImageFile(TiffImagePlugin.TiffImageFile):
    """Pillow's TIFF, less its comparison of the size with the limit that is global to the process."""

    def load_prepare(self) -> None:
        if self._im is None:
            self.im = Image.new(self.mode, self._tile_size).im
        super().load_prepare()


# The decoders that may see a file's bytes. They are called directly, not through Image.open, which
# compares the size with that global limit too, and warns or raises on its own.
_DECODERS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "JPEG2000": Jpeg2KImagePlugin.Jpeg2KImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "TIFF": _TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
}


def _decoder(start: bytes) -> type[ImageFile.ImageFile]:
    if not start:
        raise ImageError("the file is empty")
    for name, decoder in _DECODERS.items():
        accept = Image.OPEN[name][1]
        if accept is not None and accept(start) is True:  # a string: this Pillow lacks the decoder
            return decoder
    raise ImageError("not an image of a known format; convert it to JPEG, PNG or WebP")


def _too_large(what: str, max_pixels: int) -> str:
    return (
        f"{what} is more than the limit of {max_pixels:,} pixels; make the image smaller, or raise the limit"
    )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _is_image_tensor(image: Tensor) -> bool:
    shape = tuple(image.shape)
    leading_ok = len(shape) == 3 or (len(shape) == 4 and shape[0] == 1)
    return leading_ok and shape[-3] == 3 and 0 not in shape and image.is_floating_point()


def _is_on_its_side(image: ImageFile.ImageFile) -> bool:
    """Tell from the header whether orientation swaps the height and width in ``image.size``."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):  # Pillow has swapped them already
        return False
    if isinstance(image, PngImagePlugin.PngImageFile) and "exif" not in image.info:
        return False  # Pillow would decode the whole file in search of it
    try:
        return image.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
    except Exception:  # damaged metadata, as in _upright
        return False


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged metadata is no reason to refuse good pixels
        image.load()  # but damaged pixels are: raises again if it was they
        return image


def _fits_16_bits(image: Image.Image) -> bool:
    pixels = np.asarray(image)
    return bool(pixels.min() >= 0 and pixels.max() <= _MAX_16_BITS)


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert an image of 8 bits per channel to RGB, by its profile if it has one, on white."""
    alpha: Image.Image | None = None
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        alpha = rgba.getchannel("A")
        # Gray stays gray until its profile, which is one for a single channel, has been applied.
        image = image.getchannel("L") if image.mode in ("L", "LA") else rgba.convert("RGB")
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    if profile:
        image = _apply_profile(image, profile)
    if image.mode != "RGB":
        image = image.convert("RGB")
    if alpha is not None:
        white = Image.new("RGB", image.size, "white")
        image = Image.composite(image, white, alpha)
    return image


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert to sRGB by an ICC profile; a profile that is damaged or does not fit is passed over."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if image.mode == "RGB" and ImageCms.getProfileDescription(source).startswith("sRGB IEC61966-2"):
            return image  # sRGB to sRGB would only add rounding errors
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, ImportError, OSError, TypeError, ValueError):
        return image
    return image if converted is None else converted
