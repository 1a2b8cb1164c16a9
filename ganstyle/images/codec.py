"""Reading and writing image files: RGB float32 NCHW tensors in [0, 1] in memory.

Nothing here changes a global setting of Pillow, so that images may be read from several threads.
"""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from PIL import ExifTags, Image, ImageFile, PngImagePlugin
from torch import Tensor

from ganstyle.errors import ImageError, ImageTooLargeError, one_line
from ganstyle.files import atomic_write, is_stream
from ganstyle.images.convert import from_pil, to_pil
from ganstyle.images.formats import WRITE_FORMATS, find_decoder
from ganstyle.images.tiff import TiffImageFile

MAX_PIXELS = 100_000_000
"""Default limit on height times width of an image that is read, in pixels."""


def read_image(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Tensor:
    """Read an image file upright, in sRGB, without transparency.

    EXIF orientation is applied, an embedded ICC profile is converted to sRGB, transparency is composited
    on white, 16-bit gray is rescaled, and of an animation the first frame is taken.

    Args:
        path: a file of a format that `READ_SUFFIXES` lists; its name's suffix does not matter.
        max_pixels: the largest height times width, in pixels; checked before anything is decoded.

    Returns:
        (1, 3, H, W) float32 in [0, 1], contiguous, on the CPU.

    Raises:
        ImageError: the file is missing, damaged, too large or of another format.
    """
    with opened(path, max_pixels) as image:
        image.load()
        return from_pil(image)


def decode_image(data: bytes, name: str, *, max_pixels: int = MAX_PIXELS) -> Tensor:
    """Decode an image in memory, such as one from a database; see `read_image`.

    Args:
        data: the bytes of an image file.
        name: what an error calls it.
        max_pixels: the largest height times width, in pixels.

    Returns:
        (1, 3, H, W) float32 in [0, 1], contiguous, on the CPU.

    Raises:
        ImageError: the image is damaged, too large or of another format.
    """
    with opened_bytes(data, name, max_pixels) as image:
        image.load()
        return from_pil(image)


def check_image(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Read an image's size from its header, at a small part of the cost of decoding it.

    A file that passes may still be damaged after its header.

    Args:
        path: the file.
        max_pixels: the largest height times width, in pixels.

    Returns:
        (height, width) in pixels, as `read_image` would return them.

    Raises:
        ImageError: the file is missing, too large, of another format or damaged at its beginning.
    """
    with opened(path, max_pixels) as image:
        width, height = image.size
        return (width, height) if _swaps_axes(image) else (height, width)


def write_image(image: Tensor, path: str | Path, *, quality: int = 95) -> None:
    """Write an image as PNG, JPEG, WebP, AVIF or TIFF, by the path's suffix; all of it or nothing.

    Args:
        image: (3, H, W) or (1, 3, H, W) floating point; values outside [0, 1] are clamped.
        path: where to; its folder is made if it does not exist.
        quality: of JPEG, WebP and AVIF, 1 to 100.

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
    write_picture(picture, path, image_format, quality)


def write_picture(picture: Image.Image, path: Path, image_format: str, quality: int, **extra: Any) -> None:
    """Write a Pillow image; all of it or nothing.

    Args:
        picture: the image.
        path: where to.
        image_format: as `output_format` names it.
        quality: of formats that lose something, 1 to 100.
        extra: further options of Pillow's.

    Raises:
        ImageError: a size that the format cannot hold.
        GanstyleError: the disk is full, or the folder cannot be written to.
    """
    content = encode_picture(picture, path, image_format, quality, **extra)
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def encode_picture(picture: Image.Image, path: Path, image_format: str, quality: int, **extra: Any) -> bytes:
    """Return the content of a Pillow image's file; see `write_picture`.

    Raises:
        ImageError: a size that the format cannot hold.
    """
    try:
        return _encode(picture, image_format, quality, **extra)
    except (OSError, ValueError) as error:  # the sizes that JPEG and WebP can hold are limited
        raise ImageError(
            f"{path}: {picture.width}x{picture.height} pixels cannot be written as {image_format} "
            f"({one_line(error)}); try .png"
        ) from error


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
    """Name the format that `write_image` would use for a path: one of the values of `WRITE_FORMATS`.

    The suffix decides. A stream without one, such as ``/dev/fd/63``, gets PNG.

    Raises:
        ImageError: the suffix is none of `WRITE_FORMATS`.
    """
    path = Path(path)
    if not path.suffix and is_stream(path):
        return "PNG"
    try:
        return WRITE_FORMATS[path.suffix.lower()]
    except KeyError:
        what = f"'{path.suffix}' images" if path.suffix else "an image without a suffix"
        raise ImageError(f"{path}: cannot write {what}; use .png, .jpg or .webp, or .avif or .tif") from None


def _encode(picture: Image.Image, image_format: str, quality: int, **extra: Any) -> bytes:
    """Return a file's content; ``quality`` is ignored for PNG and TIFF."""
    # Without subsampling: strokes have sharp edges in color.
    options: dict[str, Any] = {"subsampling": "4:4:4"} if image_format in ("JPEG", "AVIF") else {}
    if image_format != "TIFF":
        options["quality"] = quality
    elif "exif" not in extra:  # with compression, Pillow cannot write EXIF's directories
        options["compression"] = "tiff_adobe_deflate"
    buffer = BytesIO()
    picture.save(buffer, image_format, **options, **extra)
    return buffer.getvalue()


@contextmanager
def opened_bytes(data: bytes, name: str, max_pixels: int) -> Iterator[ImageFile.ImageFile]:
    """Open an image in memory; see `opened`."""
    with _as_image_error(name, max_pixels):
        yield _begin(BytesIO(data), max_pixels)


@contextmanager
def opened(path: str | Path, max_pixels: int) -> Iterator[ImageFile.ImageFile]:
    """Open an image file of an allowed format and size; what fails in the block is an ImageError too."""
    path = Path(path)
    with _as_image_error(str(path), max_pixels):
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise ImageError("is a folder, not an image")
        if not stat.S_ISREG(kind):  # opening a pipe would block
            raise ImageError("is not a regular file")
        # Without its name the file is not mapped into memory, which fails in Pillow 12.3 for an
        # uncompressed TIFF with an orientation, and in any version when the file shrinks meanwhile.
        with path.open("rb") as file:
            yield _begin(file, max_pixels)


def _begin(file: BinaryIO, max_pixels: int) -> ImageFile.ImageFile:
    """Read an image's header only."""
    decoder = find_decoder(file.read(64))
    file.seek(0)
    image = decoder(file)
    check_size(image, max_pixels)
    return image


def check_size(image: Image.Image, max_pixels: int) -> None:
    """Check a size before anything is decoded; later pictures of a file may be larger than the first.

    Raises:
        ImageTooLargeError: the image has more pixels than that.
    """
    width, height = image.size
    if width * height > max_pixels:
        raise ImageTooLargeError(_too_large(f"{width}x{height} pixels", max_pixels))


@contextmanager
def _as_image_error(name: str, max_pixels: int) -> Iterator[None]:
    """Turn any failure of an image into an ImageError that names it."""
    try:
        yield
    except ImageError as error:
        raise type(error)(f"{name}: {error}") from None
    except FileNotFoundError:
        raise ImageError(f"{name}: no such file") from None
    except PermissionError:
        raise ImageError(f"{name}: may not be read; check its permissions") from None
    except Image.DecompressionBombError as error:
        raise ImageTooLargeError(f"{name}: {_too_large('its size', max_pixels)}") from error
    except MemoryError as error:
        raise ImageTooLargeError(
            f"{name}: needs more memory than there is; reduce the image first"
        ) from error
    except OSError as error:
        if error.errno is None:  # Pillow's own
            raise ImageError(f"{name}: damaged or not an image ({one_line(error)})") from error
        raise ImageError(f"{name}: cannot be read ({error.strerror})") from error
    except Exception as error:  # on damaged data a decoder may raise nearly anything
        raise ImageError(f"{name}: damaged or not an image ({one_line(error)})") from error


def _too_large(what: str, max_pixels: int) -> str:
    return f"{what} is more than the limit of {max_pixels:,} pixels; reduce the image first"


def _swaps_axes(image: ImageFile.ImageFile) -> bool:
    """Say whether, by the header, orientation swaps the height and width of ``image.size``."""
    if isinstance(image, TiffImageFile):  # Pillow has swapped them already
        return False
    if isinstance(image, PngImagePlugin.PngImageFile) and "exif" not in image.info:
        return False  # Pillow would decode the whole file in search of it
    try:
        return image.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
    except Exception:  # damaged metadata, as in _upright
        return False
