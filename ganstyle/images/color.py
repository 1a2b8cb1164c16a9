"""Color preservation: keep a photo's chroma under another luma, or match one image's colors to another's.

Both methods are from Gatys et al. 2016, "Preserving Color in Neural Artistic Style Transfer". They work with
any style transfer: match the painting's colors to the photo's before it, or restore the photo's colors after.
"""

from collections.abc import Callable, Mapping

import torch
from kornia.color import rgb_to_grayscale
from torch import Tensor

from ganstyle.errors import GanstyleError

# One level of 8 bits. An image that varies less in some direction of color holds only rounding there, and
# stretching that to another image's colors would paint with noise.
_LEVEL = 1 / 255


def luminance(image: Tensor) -> Tensor:
    """Return the luma Y' = 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601) of gamma-coded RGB.

    Args:
        image: (B, 3, H, W) in [0, 1].

    Returns:
        (B, 1, H, W) in [0, 1].
    """
    luma: Tensor = rgb_to_grayscale(image)
    return luma.clamp(0, 1)


def with_luminance(image: Tensor, luma: Tensor) -> Tensor:
    """Replace an image's luma and keep its chroma.

    In YUV and related spaces (YIQ, YCbCr), changing Y' alone adds the same amount to R, G and B, so no
    conversion is needed and chroma is kept exactly. Where the sum leaves [0, 1], the pixel's chroma is scaled
    down just enough to fit; clipping would change luma and hue.

    Args:
        image: (B, 3, H, W) in [0, 1].
        luma: (B, 1, H, W) in [0, 1].

    Returns:
        (B, 3, H, W) in [0, 1], of luminance ``luma`` at every pixel.
    """
    chroma = image - luminance(image)
    room = torch.where(chroma > 0, 1 - luma, luma)
    fits = (room / chroma.abs().clamp_min(1e-12)).clamp_max(1)
    return (luma + fits.amin(1, keepdim=True) * chroma).clamp(0, 1)  # the clamp only corrects rounding


def luminance_only(picture: Tensor, photo: Tensor) -> Tensor:
    """Combine a picture's luminance with a photo's colors.

    Source: Gatys et al. 2016, luminance-only transfer, with YUV in place of YIQ, and for pictures that were
    not painted in gray as well. Call `match_luminance` on the painting before the transfer.

    Args:
        picture: (B, 3, H, W) in [0, 1].
        photo: (B, 3, H, W) or (1, 3, H, W) in [0, 1], of the same height and width.

    Returns:
        (B, 3, H, W) in [0, 1]: the picture's luminance at every pixel; the photo's chroma, less saturated
        where there is no such color that bright or dark.

    Raises:
        ValueError: the sizes differ.
    """
    if picture.shape[-2:] != photo.shape[-2:]:
        raise ValueError(f"picture {tuple(picture.shape)} and photo {tuple(photo.shape)} differ in size")
    return with_luminance(photo.expand_as(picture), luminance(picture))


def match_luminance(image: Tensor, reference: Tensor) -> Tensor:
    """Match an image's luminance to the mean and standard deviation of another's, and keep its colors.

    Applied to the painting before a luminance-only transfer, this keeps a dark painting from darkening a
    bright photo (Gatys et al. 2016).

    Args:
        image: (B, 3, H, W) in [0, 1].
        reference: (B, 3, H', W') or (1, 3, H', W') in [0, 1].

    Returns:
        (B, 3, H, W) in [0, 1]; luminance that leaves the range is clipped.
    """
    source, target = luminance(image), luminance(reference)
    deviation, mean = torch.std_mean(source, (-3, -2, -1), correction=0, keepdim=True)
    wanted_deviation, wanted_mean = torch.std_mean(target, (-3, -2, -1), correction=0, keepdim=True)
    gain = wanted_deviation / deviation.clamp_min(_LEVEL)
    return with_luminance(image, ((source - mean) * gain + wanted_mean).clamp(0, 1))


def _channel(source: Tensor, target: Tensor) -> Tensor:
    """Scale each channel by itself: Reinhard et al. 2001, in RGB."""
    deviation = source.diagonal(dim1=-2, dim2=-1).sqrt().clamp_min(_LEVEL)
    return torch.diag_embed(target.diagonal(dim1=-2, dim2=-1).sqrt() / deviation)


def _coral(source: Tensor, target: Tensor) -> Tensor:
    """Whiten, then color again, by symmetric square roots.

    A = Σₜ^½ Σₛ^−½: Gatys et al. 2016, color histogram matching (after Hertzmann et al. 2001); the same map
    aligns features in CORAL (Sun et al. 2016, algorithm 1).
    """
    values, vectors = torch.linalg.eigh(source)
    whiten = (vectors * values.clamp_min(_LEVEL**2).rsqrt().unsqueeze(-2)) @ vectors.mT
    values, vectors = torch.linalg.eigh(target)
    color = (vectors * values.clamp_min(0).sqrt().unsqueeze(-2)) @ vectors.mT
    matrix: Tensor = color @ whiten
    return matrix


COLOR_METHODS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {"channel": _channel, "coral": _coral}
"""Name → the matrix that takes one covariance of colors to another, both (B, 3, 3)."""


def color_map(image: Tensor, reference: Tensor, method: str = "coral") -> tuple[Tensor, Tensor]:
    """Return the affine map ``A·rgb + b`` that matches an image's colors to another's.

    "coral" matches the mean and the whole covariance, "channel" the mean and deviation of each channel. A
    direction in which the image varies by less than one level of 8 bits is stretched no further than that
    level would be; so a gray painting does not take on a photo's colors.

    Args:
        image: (B, 3, H, W) in [0, 1].
        reference: (B, 3, H', W') or (1, 3, H', W') in [0, 1].
        method: one of ``COLOR_METHODS``.

    Returns:
        A (B, 3, 3) and b (B, 3, 1).

    Raises:
        GanstyleError: there is no such method.
    """
    if method not in COLOR_METHODS:
        raise GanstyleError(f"color method '{method}': use {' or '.join(COLOR_METHODS)}")
    mean, covariance = _statistics(image)
    wanted_mean, wanted_covariance = _statistics(reference)
    matrix = COLOR_METHODS[method](covariance, wanted_covariance)
    offset = wanted_mean - matrix @ mean
    return matrix.to(image), offset.to(image)


def match_color(image: Tensor, reference: Tensor, method: str = "coral") -> Tensor:
    """Apply `color_map` to an image, clipped to [0, 1].

    With a painting as the image and a photo as the reference, a transfer takes over the painting's strokes
    but not its palette.
    """
    matrix, offset = color_map(image, reference, method)
    return (matrix @ image.flatten(2) + offset).view_as(image).clamp(0, 1)


def _statistics(image: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean (B, 3, 1) and the covariance (B, 3, 3) of the colors, float64 on the CPU.

    Some accelerators support neither float64 nor ``eigh``.
    """
    colors = image.detach().flatten(2)
    mean = colors.mean(-1, keepdim=True)
    centered = colors - mean
    return mean.to("cpu", torch.float64), (centered @ centered.mT / colors.shape[-1]).to("cpu", torch.float64)
