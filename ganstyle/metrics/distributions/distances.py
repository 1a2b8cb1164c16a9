"""FID and KID in two directions: style (against crops of the painting) and content (against the photos)."""

from collections.abc import Mapping

from ganstyle.metrics.distributions.frechet import Features, frechet_distance
from ganstyle.metrics.distributions.kid import kernel_distance


def distribution_distances(
    generated: Mapping[str, Features], real: Mapping[str, Features], suffix: str, *, fid: bool = True
) -> dict[str, float]:
    """Return FID and KID in each direction for which there are at least two images on each side.

    Args:
        generated: direction → features of the pictures.
        real: direction → features of what they are compared with.
        suffix: the extractor's.
        fid: whether FID is wanted as well as KID.

    Returns:
        Such as ``fid_style`` and ``kid_style``, or with VGG-16 ``fid_vgg16_style`` and ``kid_vgg16_style``.
    """
    values: dict[str, float] = {}
    for direction, features in generated.items():
        other = real.get(direction)
        if other is None or min(len(features), len(other)) < 2:
            continue
        if fid:
            values[f"fid{suffix}_{direction}"] = frechet_distance(features, other)
        values[f"kid{suffix}_{direction}"] = kernel_distance(features, other)
    return values
