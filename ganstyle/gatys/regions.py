"""Style by regions: each region of the picture is styled by its own region of the paintings."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys.objective import ScaleInputs, Term, TermFactory, require_layers
from ganstyle.losses import usable_pyramid
from ganstyle.losses.features import FeatureExtractor
from ganstyle.losses.perceptual import octave_mean
from ganstyle.losses.regions import Regions, check_same_regions, region_grams, region_style_loss


def region_style_term(
    layers: Mapping[str, float],
    *,
    content_regions: Regions,
    style_regions: Sequence[Regions],
    style_weights: Sequence[float] | None = None,
    octaves: int = 1,
) -> TermFactory:
    """Take the place of the plain style term: one set of Gram matrices per region (Luan et al. 2017).

    Masks may have any size of the same proportions as their image, such as that of its file; they are
    averaged down to each feature map.

    Args:
        layers: layer → weight.
        content_regions: the picture's regions; each is styled by those with the same label in the paintings.
        style_regions: those of each painting.
        style_weights: of several paintings, one each; None: equal.
        octaves: on how many sizes of the picture; see `style_term`.

    Raises:
        GanstyleError: the regions of photo and paintings differ, or there are too few of them for the
            paintings, or a region covers no pixel.
    """
    check_same_regions(content_regions, style_regions)
    shares = [1.0] * len(style_regions) if style_weights is None else list(style_weights)

    def prepare(inputs: ScaleInputs) -> Term:
        if not len(style_regions) == len(shares) == len(inputs.styles):
            raise GanstyleError(
                f"{len(style_regions)} style masks and {len(shares)} weights for {len(inputs.styles)} "
                "paintings; give each painting one of both"
            )
        pyramids = [usable_pyramid(image, octaves) for image in inputs.styles]
        target = [
            _grams(inputs.features, images, style_regions, shares, layers)
            for images in zip(*pyramids, strict=True)
        ]
        content_masks = content_regions.masks.to(inputs.styles[0].device)
        return lambda picture, octaves: octave_mean(
            [
                region_style_loss(maps, grams, content_masks, layers)
                for maps, grams in zip(octaves, target, strict=False)
            ]
        )

    return prepare


def _grams(
    features: FeatureExtractor,
    images: Sequence[Tensor],
    regions: Sequence[Regions],
    weights: Sequence[float],
    layers: Mapping[str, float],
) -> dict[str, Tensor]:
    """Return the mean Gram matrices of the paintings at one octave, region by region."""
    total, mean = sum(weights), dict[str, Tensor]()
    for image, its_regions, weight in zip(images, regions, weights, strict=True):
        maps, masks = features(image), its_regions.masks.to(image.device)
        require_layers(maps, layers)
        for layer in layers:
            gram = region_grams(maps[layer], masks)[0] * (weight / total)
            mean[layer] = mean[layer] + gram if layer in mean else gram
    return mean
