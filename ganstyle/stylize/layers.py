"""Several generators that paint one picture: with a share each everywhere, or each in its region.

What is combined are finished pictures, which any generators have in common, and not weights of networks: see
``docs/several-styles.md``.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from torch import Tensor, nn

from ganstyle.errors import GanstyleError
from ganstyle.stylize.controls import check_proportions
from ganstyle.stylize.regions import Region, share_out
from ganstyle.stylize.strokes import TRAINED_SIDE


@dataclass(frozen=True, eq=False)
class Layer:
    """One generator's part in a picture.

    Attributes:
        generator: as for `ganstyle.stylize.stylize_image`.
        trained_side: as for `ganstyle.stylize.stylize_image`.
        share: its weight where it paints, above 0. The shares of one region sum to 1.
        region: where it paints; None: where no region is.
    """

    generator: nn.Module
    trained_side: int
    share: float = 1.0
    region: Region | None = None


class LayeredGenerator(nn.Module):
    """Layers in the place of a generator, for `stylize_image` and all that builds on it.

    Args:
        layers: one or more. Without one whose region is None, the photo shows where no region is.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__()
        self.layers = tuple(layers)
        self.generators = nn.ModuleList(layer.generator for layer in layers)

    def forward(self, x: Tensor) -> Tensor:
        """Refuse: it is not one function of the pixels, as generators are."""
        raise GanstyleError("several styles at once cannot be used here; give one style")

    def compile(self, *args: Any, **keywords: Any) -> None:
        """Compile each generator."""
        for generator in self.generators:
            generator.compile(*args, **keywords)

    def everywhere(self) -> Self:
        """Return the same generators without regions, for a measurement of what they cost."""
        return type(self)([replace(layer, region=None) for layer in self.layers])


def layers_of(generator: nn.Module, trained_side: int = TRAINED_SIDE) -> tuple[Layer, ...]:
    """Return a generator's layers: itself alone, if it is an ordinary one."""
    if isinstance(generator, LayeredGenerator):
        return generator.layers
    return (Layer(generator, trained_side),)


def check_masks(layers: Sequence[Layer], mask: Tensor | None, size: tuple[int, int]) -> None:
    """Check that a photo's mask and the regions of what paints it fit it.

    Args:
        layers: what paints.
        mask: that of the whole picture, if there is one, (1, 1, H, W).
        size: the photo's height and width in pixels.

    Raises:
        ImageError: the proportions differ.
    """
    if mask is not None:
        check_proportions((mask.shape[-2], mask.shape[-1]), size)
    for layer in layers:
        if layer.region is not None:
            layer.region.check(size)


@dataclass(frozen=True, eq=False)
class Weights:
    """How pictures are combined.

    Attributes:
        layers: the weight of each layer's picture: a number, or (1, 1, H, W).
        photo: the weight of the photo, (1, 1, H, W); None: 0.
    """

    layers: list[float | Tensor]
    photo: Tensor | None

    def combine(self, photo: Tensor, pictures: Iterable[Tensor]) -> Tensor:
        """Return the weighted sum of the layers' pictures, all (B, 3, H, W) in [0, 1]."""
        total = None if self.photo is None else photo * self.photo
        for weight, picture in zip(self.layers, pictures, strict=True):
            part = picture if isinstance(weight, float) and weight == 1 else picture * weight
            total = part if total is None else total + part
        assert total is not None
        return total if len(self.layers) == 1 and self.photo is None else total.clamp(0, 1)


def weigh(layers: Sequence[Layer], mask_of: Callable[[Region], Tensor]) -> Weights:
    """Return the weights of layers.

    Args:
        layers: of one picture.
        mask_of: returns a region's mask, (1, 1, H, W) in [0, 1], for the part of the picture in question.
    """
    regions = list(dict.fromkeys(layer.region for layer in layers if layer.region is not None))
    if not regions:
        return Weights([layer.share for layer in layers], None)
    masks, rest = share_out([mask_of(region) for region in regions])
    weight_of: dict[Region | None, Tensor] = {**dict(zip(regions, masks, strict=True)), None: rest}
    has_base = any(layer.region is None for layer in layers)
    return Weights([weight_of[layer.region] * layer.share for layer in layers], None if has_base else rest)
