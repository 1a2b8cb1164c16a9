"""Geometry of image tensors: resizing, squares and grids."""

import torch
import torch.nn.functional as F
from torch import Tensor


def resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize by antialiased bicubic interpolation.

    Args:
        image: (..., 3, H, W) floating point in [0, 1].
        size: (height, width) in pixels.

    Returns:
        (..., 3, height, width), clamped to [0, 1], which bicubic interpolation overshoots.
    """
    if tuple(image.shape[-2:]) == size:
        return image.clamp(0, 1)
    batch = image.reshape(-1, *image.shape[-3:])
    resized = F.interpolate(batch, size, mode="bicubic", antialias=True, align_corners=False)
    return resized.clamp_(0, 1).reshape(*image.shape[:-2], *size)


def resize_shorter(image: Tensor, shorter: int) -> Tensor:
    """Resize, proportions kept, so that the shorter side has ``shorter`` pixels; see `resize`."""
    height, width = image.shape[-2:]
    scale = shorter / min(height, width)
    return resize(image, (max(1, round(height * scale)), max(1, round(width * scale))))


def shrink(image: Tensor, longer: int) -> Tensor:
    """Resize, proportions kept, so that the longer side has at most ``longer`` pixels; see `resize`."""
    height, width = image.shape[-2:]
    scale = min(1.0, longer / max(height, width))
    return resize(image, (max(1, round(height * scale)), max(1, round(width * scale))))


def middle_part(image: Tensor, longest: int) -> Tensor:
    """Return the middle of a long image, (..., 3, H, W).

    Args:
        image: returned whole if it is not too long.
        longest: of its sides, in multiples of the shorter one.
    """
    most = longest * min(image.shape[-2:])
    for dimension in (-2, -1):
        side = image.shape[dimension]
        if side > most:
            image = image.narrow(dimension, (side - most) // 2, most)
    return image


def enlarge(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Enlarge (B, C, H, W) to (height, width) by bicubic interpolation; the result is not clamped."""
    return F.interpolate(image, size, mode="bicubic", align_corners=False)


def with_detail(coarse: Tensor, fine: Tensor, *, seen: Tensor | None = None) -> Tensor:
    """Enlarge an image and add what another, larger one shows beyond its resolution.

    Args:
        coarse: (B, 3, h, w) in [0, 1].
        fine: (B, 3, H, W) in [0, 1], H >= h and W >= w.
        seen: ``fine`` at the size of ``coarse``, as `resize` makes it, if already known.

    Returns:
        (B, 3, H, W) in [0, 1]: the bands of a Laplacian pyramid (Burt and Adelson 1983) that ``coarse`` can
        hold from it, the finer ones from ``fine``.
    """
    if seen is None:
        seen = resize(fine, (coarse.shape[-2], coarse.shape[-1]))
    return (fine + enlarge(coarse - seen, (fine.shape[-2], fine.shape[-1]))).clamp(0, 1)


def central_square(image: Tensor, side: int) -> Tensor:
    """Cut the largest central square of (..., 3, H, W) and resize it to ``side`` pixels; see `resize`."""
    height, width = image.shape[-2:]
    shorter = min(height, width)
    top, left = (height - shorter) // 2, (width - shorter) // 2
    return resize(image[..., top : top + shorter, left : left + shorter], (side, side))


def image_grid(images: Tensor, columns: int) -> Tensor:
    """Lay images out in rows, on white, two pixels apart.

    Args:
        images: (N, 3, H, W) in [0, 1].
        columns: images in a row.

    Returns:
        (3, H', W') in [0, 1].
    """
    padded = F.pad(images, (0, 2, 0, 2), value=1.0)
    missing = -len(padded) % columns
    padded = torch.cat([padded, torch.ones_like(padded[:1]).expand(missing, -1, -1, -1)])
    rows = [torch.cat(list(row), dim=2) for row in torch.split(padded, columns)]
    return F.pad(torch.cat(rows, dim=1), (2, 0, 2, 0), value=1.0)
