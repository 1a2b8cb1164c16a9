"""Spatial control of style: each region of the photo is styled by one region of the painting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from ganstyle.errors import ImageError
from ganstyle.images import read_image
from ganstyle.losses.features import FeatureMaps
from ganstyle.losses.gram import gram_matrix
from ganstyle.losses.perceptual import relative_distance

MAX_REGIONS = 32
"""A mask with more colors has most likely been blurred or compressed."""


@dataclass(frozen=True)
class Regions:
    """The regions of an image, read from its mask.

    Attributes:
        name: the mask's file, for messages.
        labels: each region's color, such as "#ff0000", sorted.
        masks: (R, 1, H, W) float32, 1 inside a region and 0 outside; they sum to 1.
    """

    name: str
    labels: Sequence[str]
    masks: Tensor


def read_regions(path: str | Path, size: tuple[int, int]) -> Regions:
    """Read a mask: an image in which each region has its own color or gray level.

    Args:
        path: the file, preferably a PNG, since JPEG blurs colors.
        size: (height, width) of the image that the mask belongs to.

    Raises:
        ImageError: the file cannot be read, has another size, a single color, or more than ``MAX_REGIONS``.
    """
    pixels = read_image(path)
    height, width = pixels.shape[-2:]
    if (height, width) != tuple(size):
        raise ImageError(
            f"{path}: the mask has {height}x{width} pixels and its image {size[0]}x{size[1]} "
            "(height x width); give both the same size"
        )
    red, green, blue = (pixels[0] * 255).round().int()
    codes = (red << 16) | (green << 8) | blue
    colors = torch.unique(codes)
    if len(colors) == 1:
        raise ImageError(
            f"{path}: the mask has one color only; use at least two regions, or leave the masks out"
        )
    if len(colors) > MAX_REGIONS:
        raise ImageError(
            f"{path}: the mask has {len(colors)} colors, more than {MAX_REGIONS} regions; "
            "draw it without anti-aliasing and save it as PNG"
        )
    masks = torch.stack([codes == color for color in colors]).unsqueeze(1).float()
    return Regions(str(path), [f"#{int(color):06x}" for color in colors], masks)


def check_same_regions(content: Regions, styles: Sequence[Regions]) -> None:
    """Check that the photo and every painting have the same regions.

    Raises:
        ImageError: a color is missing in one of the masks.
    """
    for style in styles:
        for one, other in ((content, style), (style, content)):
            missing = [label for label in one.labels if label not in other.labels]
            if missing:
                raise ImageError(
                    f"{other.name}: the mask lacks {', '.join(missing)} of {one.name}; "
                    "use the same colors in both"
                )


def region_grams(features: Tensor, masks: Tensor) -> Tensor:
    """Correlate the channels of a feature map within each region.

    ``G_r[i, j] = Σ_hw M_r·F_i·F_j / (C·Σ_hw M_r)``, with the masks reduced to the map's size by averaging:
    the guided Gram matrix of Gatys et al. 2017 (spatial control), in the scale of `gram_matrix`. A mask of
    ones gives the plain Gram matrix. Masks that sum to 1 give matrices whose area-weighted sum is the plain
    one. (Luan et al. 2017, equation 3 multiply F by M, which weights soft borders by the squared mask.)

    Args:
        features: (B, C, h, w), any floating-point type.
        masks: (R, 1, H, W) in [0, 1], soft or binary, shared by all items of the batch. No gradient.

    Returns:
        (B, R, C, C), float32 (float64 for float64 features).

    Raises:
        ImageError: a region is empty.
    """
    height, width = features.shape[-2:]
    shares = _shrink(masks, (height, width)).to(features.device)
    number, pixel = shares.nonzero(as_tuple=True)  # sorted by region
    counts = torch.bincount(number, minlength=len(masks)).tolist()
    if 0 in counts:
        raise ImageError(f"region {counts.index(0) + 1} of {len(masks)} covers no pixel; leave it out")
    # With the pixels sorted by region, all matrices together cost little more than one plain Gram matrix.
    share = shares[number, pixel].to(torch.promote_types(features.dtype, torch.float32))
    weighted = features.flatten(-2).index_select(-1, pixel) * share.sqrt()
    parts = zip(torch.split(weighted, counts, -1), torch.split(share, counts), strict=True)
    return torch.stack(
        [gram_matrix(part.unsqueeze(-1)) * (len(share) / share.sum()) for part, share in parts], 1
    )


def region_style_loss(
    features: FeatureMaps, grams: Mapping[str, Tensor], masks: Tensor, weights: Mapping[str, float]
) -> Tensor:
    """Return the style loss region by region.

    The mean over regions, weighted by their area in the picture, of the relative distances between Gram
    matrices; the weighted mean over layers. With a single region this is `style_loss`.

    Args:
        features: the picture's feature maps, each (B, C, h, w).
        grams: the painting's Gram matrices, each (R, C, C), from `region_grams` with its own masks.
        masks: the picture's, (R, 1, H, W), with the regions in the same order.
        weights: the layers to compare and their weights; they are divided by their sum.

    Returns:
        A scalar, the mean over the batch.

    Raises:
        ImageError: a region is empty.
        ValueError: the picture and the painting have different numbers of regions.
    """
    areas = masks.flatten(1).sum(1)
    areas = areas / areas.sum()
    total = sum(weights.values())
    loss = areas.new_zeros(())
    for layer, weight in weights.items():
        if len(grams[layer]) != len(masks):
            raise ValueError(f"{len(masks)} regions of the picture, {len(grams[layer])} of the painting")
        found = region_grams(features[layer], masks)
        distances = relative_distance(found.flatten(0, 1), grams[layer].expand_as(found).flatten(0, 1))
        loss = loss + (distances.view(-1, len(masks)).mean(0) * areas).sum() * (weight / total)
    return loss


def _shrink(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Average masks down to the size of a feature map, (R, h·w); no region gets lost."""
    return F.interpolate(masks, size, mode="area").flatten(1)
