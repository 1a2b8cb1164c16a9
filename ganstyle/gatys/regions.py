"""Style by regions: each part of the picture takes after its own part of the paintings."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys.objective import ScaleInputs, Term, TermFactory
from ganstyle.losses.regions import region_grams, region_style_loss


def region_style_term(
    layers: Mapping[str, float],
    *,
    content_masks: Tensor,
    style_masks: Sequence[Tensor],
    style_weights: Sequence[float] | None = None,
) -> TermFactory:
    """Take the place of the plain style term: one set of Gram matrices a region (Luan et al. 2017).

    Masks may have any size of the same proportions as their image, such as that of its file; they are
    averaged down to each feature map.

    Args:
        layers: layer → weight.
        content_masks: the picture's regions, (R, 1, H, W) in [0, 1].
        style_masks: those of each painting, the same regions in the same order.
        style_weights: of several paintings, one each; None: all alike.

    Raises:
        GanstyleError: the masks do not fit the paintings, or a region covers no pixel.
    """
    shares = [1.0] * len(style_masks) if style_weights is None else list(style_weights)

    def prepare(scene: ScaleInputs) -> Term:
        if not len(style_masks) == len(shares) == len(scene.styles):
            raise GanstyleError(
                f"{len(style_masks)} style masks and {len(shares)} weights for {len(scene.styles)} "
                "paintings; give each painting one of both"
            )
        total = sum(shares)
        grams: dict[str, Tensor] = {}
        for image, masks, share in zip(scene.styles, style_masks, shares, strict=True):
            if len(masks) != len(content_masks):
                raise GanstyleError(
                    f"{len(content_masks)} regions of the photo and {len(masks)} of a painting; "
                    "give both the same"
                )
            maps = scene.features(image)
            for layer in layers:
                gram = region_grams(maps[layer], masks)[0] * (share / total)
                grams[layer] = grams[layer] + gram if layer in grams else gram
        return lambda picture, maps: region_style_loss(maps, grams, content_masks, layers)

    return prepare
