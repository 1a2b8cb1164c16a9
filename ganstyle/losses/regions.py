"""A style for each region: sky from the painting's sky, walls from its walls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from ganstyle.errors import ImageError
from ganstyle.images import read_image
from ganstyle.losses.gram import gram_matrix
from ganstyle.losses.perceptual import FeatureMaps, relative_distance

MAX_REGIONS = 32
"""A mask of more colors was blurred or compressed, not painted."""


@dataclass(frozen=True)
class Regions:
    """The regions of one image, as its mask shows them.

    Attributes:
        name: the mask's file, for messages.
        labels: each region's color, such as "#ff0000", sorted.
        masks: (R, 1, H, W) float32, 1 inside the region and 0 outside; they add up to 1.
    """

    name: str
    labels: Sequence[str]
    masks: Tensor


def read_regions(path: str | Path, size: tuple[int, int]) -> Regions:
    """Read a mask image, in which each region has a color (or a gray) of its own.

    Args:
        path: the file; best a PNG, as JPEG blurs the colors.
        size: (height, width) of the image that it is for.

    Raises:
        ImageError: it cannot be read, has another size, one color only, or more than ``MAX_REGIONS``.
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
            f"{path}: the mask has one color only; paint two regions or more, or leave the masks out"
        )
    if len(colors) > MAX_REGIONS:
        raise ImageError(
            f"{path}: the mask has {len(colors)} colors, more than {MAX_REGIONS} regions; "
            "paint it without smooth edges and save it as PNG"
        )
    masks = torch.stack([codes == color for color in colors]).unsqueeze(1).float()
    return Regions(str(path), [f"#{int(color):06x}" for color in colors], masks)


def check_same_regions(content: Regions, styles: Sequence[Regions]) -> None:
    """Make sure that every region of the photo has its counterpart in each painting, and the reverse.

    Raises:
        ImageError: a color is in one mask and not in the other.
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

    ``G_r[i, j] = Σ_hw M_r·F_i·F_j / (C·Σ_hw M_r)``, the masks averaged down to the map's size: the guided
    Gram matrix of Gatys et al. 2017 (spatial control), in the scale of `gram_matrix`. One mask of ones gives
    the plain Gram matrix, and those of masks that add up to 1, weighted by area, add up to it.
    (Luan et al. 2017, equation 3 multiply F by M, and so weigh a border by the square of its mask.)

    Args:
        features: (B, C, h, w), any floating-point type.
        masks: (R, 1, H, W) in [0, 1], soft or not, for every item of the batch alike. Without gradient.

    Returns:
        (B, R, C, C), float32 (float64 for float64 features).

    Raises:
        ImageError: a region covers no pixel.
    """
    height, width = features.shape[-2:]
    shares = _shrink(masks, (height, width)).to(features.device)
    number, pixel = shares.nonzero(as_tuple=True)  # sorted by region
    counts = torch.bincount(number, minlength=len(masks)).tolist()
    if 0 in counts:
        raise ImageError(f"region {counts.index(0) + 1} of {len(masks)} covers no pixel; leave it out")
    # The pixels of each region side by side: all Grams together then cost little more than one plain Gram.
    share = shares[number, pixel].to(torch.promote_types(features.dtype, torch.float32))
    weighted = features.flatten(-2).index_select(-1, pixel) * share.sqrt()
    parts = zip(torch.split(weighted, counts, -1), torch.split(share, counts), strict=True)
    return torch.stack(
        [gram_matrix(part.unsqueeze(-1)) * (len(share) / share.sum()) for part, share in parts], 1
    )


def region_style_loss(
    features: FeatureMaps, grams: Mapping[str, Tensor], masks: Tensor, weights: Mapping[str, float]
) -> Tensor:
    """Say how far each region's texture is from its counterpart's in the painting.

    The mean over regions, by their area in the picture, of the relative distances of their Gram matrices;
    of layers, the weighted mean. One region that covers all is `style_loss`.

    Args:
        features: the picture's feature maps, each (B, C, h, w).
        grams: the painting's, each (R, C, C), from `region_grams` with its own masks.
        masks: the picture's (R, 1, H, W), the same regions in the same order.
        weights: the layers to compare and their weights; they are divided by their sum.

    Returns:
        A scalar, the mean over the batch.

    Raises:
        ImageError: a region covers no pixel.
        ValueError: the picture's regions and the painting's differ in number.
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
    """Average masks down to a feature map, (R, h·w); every pixel counts, so no region is lost."""
    return F.interpolate(masks, size, mode="area").flatten(1)
