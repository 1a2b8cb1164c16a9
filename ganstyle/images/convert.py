"""Pillow images to tensors and back: upright, in sRGB, without transparency."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps
from torch import Tensor

from ganstyle.errors import ImageError
from ganstyle.images.icc import to_srgb

_MAX_16_BITS = 65535
_TURNED = range(2, 9)  # orientations


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
    image = upright(image)
    if image.mode == "F" or (image.mode == "I" and not _fits_16_bits(image)):
        raise ImageError("pixels of 32 bits have no known range; save the image with 8 or 16 bits")
    if image.mode.startswith("I"):
        return _from_deep_gray(np.asarray(image), profile)
    picture = to_srgb(image, profile)
    pixels = torch.empty(1, 3, picture.height, picture.width)
    for name, plane in zip("RGB", pixels[0], strict=True):  # one by one: all at once would be copied thrice
        plane.copy_(torch.from_numpy(np.array(picture.getchannel(name))))
    return pixels.div_(255)


def _from_deep_gray(levels: NDArray[Any], profile: bytes | None) -> Tensor:
    """Convert gray of 16 bits, by a profile as `to_srgb` applies it to 8 bits, without their steps."""
    ramp = np.arange(256, dtype=np.uint8)
    curve = np.asarray(to_srgb(Image.fromarray(ramp[None]), profile))[0]
    if (curve == ramp[:, None]).all():
        gray = torch.from_numpy(levels.astype(np.float32) / _MAX_16_BITS)
        return gray.expand(1, 3, *gray.shape).contiguous()
    pixels = torch.empty(1, 3, *levels.shape)
    for values, plane in zip(curve.T / 255, pixels[0], strict=True):
        # Between the places where the curve rises, since it is level in between where it was rounded.
        rises = np.flatnonzero(np.diff(values))
        known = np.concatenate(([0], rises + 0.5, [255])) * 257
        halfway = np.concatenate((values[:1], (values[rises] + values[rises + 1]) / 2, values[-1:]))
        table = np.interp(np.arange(_MAX_16_BITS + 1), known, halfway).astype(np.float32)
        plane.copy_(torch.from_numpy(table[levels]))
    return pixels


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


def _is_image_tensor(image: Tensor) -> bool:
    shape = tuple(image.shape)
    leading_ok = len(shape) == 3 or (len(shape) == 4 and shape[0] == 1)
    return leading_ok and shape[-3] == 3 and 0 not in shape and image.is_floating_point()


def upright(image: Image.Image) -> Image.Image:
    """Return an image turned as its EXIF orientation says: the same one if nothing is to be turned."""
    try:
        image.load()
        if image.getexif().get(ExifTags.Base.Orientation) not in _TURNED:
            return image  # where Pillow would copy it
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged metadata is no reason to refuse good pixels
        image.load()  # but damaged pixels are: raises again
        return image


def _fits_16_bits(image: Image.Image) -> bool:
    pixels = np.asarray(image)
    return bool(pixels.min() >= 0 and pixels.max() <= _MAX_16_BITS)


def outside_unit_range(image: Tensor) -> str:
    """Return between which values an image is, such as "from 0 to 255"; empty if all are in [0, 1]."""
    low, high = image.aminmax()
    return "" if low >= 0 and high <= 1 else f"from {low:g} to {high:g}"
