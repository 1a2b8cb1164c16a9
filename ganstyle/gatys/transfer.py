"""The whole of a transfer: `optimize`, with regions, photorealism and control of color around it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys.optimize import STYLE_LAYERS, Result, optimize
from ganstyle.gatys.photorealism import PHOTOREALISM_WEIGHT, photorealism_term
from ganstyle.gatys.regions import region_style_term
from ganstyle.images import resize
from ganstyle.images.color import luminance_only, match_color, match_luminance
from ganstyle.losses.perceptual import FeatureExtractor
from ganstyle.losses.regions import Regions, check_same_regions

PreserveColor = Literal["off", "luminance", "match"]


def transfer(
    content: Tensor | None,
    styles: Sequence[Tensor],
    *,
    features: FeatureExtractor,
    preserve_color: str = "off",
    photorealistic: bool = False,
    content_regions: Regions | None = None,
    style_regions: Sequence[Regions] = (),
    style_weights: Sequence[float] | None = None,
    **options: Any,
) -> Result:
    """Make a picture of a photo and paintings.

    Args:
        content: the photo (1, 3, H, W) in [0, 1]; None: a texture.
        styles: paintings, each (1, 3, H, W) in [0, 1].
        features: the network; see `optimize`.
        preserve_color: "luminance" takes only light and dark from the optimization, and the colors from
            the photo; "match" moves the paintings' colors to the photo's first; "off" takes the paintings'.
        photorealistic: keep to the photo's colors changed affinely in each place.
        content_regions: the photo's regions; each takes after those of the same color in the paintings.
        style_regions: one a painting.
        style_weights: of the paintings, one each; None: all alike.
        options: further keywords of `optimize`.

    Returns:
        What `optimize` returns. With "luminance", loss and terms are those before the colors came back.

    Raises:
        GanstyleError: see `optimize`; or the masks or colors ask for what is not given.
    """
    if preserve_color not in get_args(PreserveColor):
        raise GanstyleError(f"preserve_color '{preserve_color}': give {', '.join(get_args(PreserveColor))}")
    if content is None and (preserve_color != "off" or photorealistic):
        raise GanstyleError("a texture has no photo whose colors or lines could be kept; leave that out")
    if (content_regions is None) == bool(style_regions):
        raise GanstyleError("regions need a mask of the photo and one of each painting; one kind is missing")
    if content is not None and preserve_color == "match":
        styles = [match_color(style, content) for style in styles]
    elif content is not None and preserve_color == "luminance":
        styles = [match_luminance(style, content) for style in styles]
    if photorealistic:
        options["extra_terms"] = {"photorealism": (PHOTOREALISM_WEIGHT, photorealism_term)}
    if content_regions is not None:
        check_same_regions(content_regions, style_regions)
        options["style_objective"] = region_style_term(
            options.get("style_layers", STYLE_LAYERS),
            content_masks=content_regions.masks.to(styles[0].device),
            style_masks=[regions.masks.to(styles[0].device) for regions in style_regions],
            style_weights=style_weights,
        )
    result = optimize(content, styles, features=features, style_weights=style_weights, **options)
    if content is not None and preserve_color == "luminance":
        height, width = result.image.shape[-2:]
        return replace(result, image=luminance_only(result.image, resize(content, (height, width))))
    return result
