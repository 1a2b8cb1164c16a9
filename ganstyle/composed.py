"""Several styles in one picture: blended everywhere, or each in its region."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.files import expand_user
from ganstyle.images import from_pil
from ganstyle.images.color import luminance
from ganstyle.style import load_style
from ganstyle.stylize import (
    DEFAULT_FEATHER,
    Layer,
    LayeredGenerator,
    PhotoPainter,
    make_region,
    read_mask,
)


@dataclass(frozen=True, eq=False)
class ComposedStyle(PhotoPainter):
    """Several styles, to be called with a photo like one; made by `blend` and `regions`.

    Attributes:
        name: the styles with their shares or masks.
        generator: the styles' generators and what part each has in a picture.
    """

    name: str
    generator: LayeredGenerator

    @property
    def trained_side(self) -> int:
        """That of the first style; each is painted with its own."""
        return self.generator.layers[0].trained_side

    def everywhere(self) -> "ComposedStyle":
        """Return the same without regions, for a measurement of what it costs."""
        return replace(self, generator=self.generator.everywhere())


AnyStyle = str | Path | PhotoPainter
"""A style, or what `load_style` takes."""

AnyMask = str | Path | Image.Image | Tensor
"""A mask's image file; a Pillow image; or (1, 1, H, W) in [0, 1]. White, 1, is inside."""


def blend(shares: Mapping[Any, float] | Iterable[tuple[AnyStyle, float]]) -> ComposedStyle:
    """Blend styles: each paints the photo, and the pictures are averaged.

    Args:
        shares: the weight of each style, in any unit: ``{"starry_night": 0.6, "wave": 0.4}``; or pairs of a
            style and its weight.

    Raises:
        GanstyleError: a style cannot be loaded or has regions, or a weight is not a number above 0.
    """
    pairs = [*(shares.items() if isinstance(shares, Mapping) else shares)]
    if not pairs:
        raise GanstyleError("there is no style to blend; give at least one with its weight")
    styles = [style for style, _ in pairs]
    names = [style.name if isinstance(style, PhotoPainter) else str(style) for style in styles]
    layers, parts = [], []
    for style, share in zip(styles, relative_shares(names, [weight for _, weight in pairs]), strict=True):
        painter = _load(style)
        layers += _layers(painter, share)
        parts.append(f"{painter.name} {share:.2g}")
    return ComposedStyle(" + ".join(parts), LayeredGenerator(layers))


def relative_shares(names: Sequence[str], weights: Sequence[float]) -> list[float]:
    """Return the share of each style in a whole, from weights in any unit; they add up to 1.

    Args:
        names: what the styles are called, for messages.
        weights: of each.

    Raises:
        GanstyleError: a weight is not a number above 0.
    """
    for name, weight in zip(names, weights, strict=True):
        if not 0 < weight < float("inf"):
            raise GanstyleError(f"weight {weight:g} of {name}: give a number above 0")
    relative = [weight / max(weights) for weight in weights]  # their sum cannot overflow
    return [weight / sum(relative) for weight in relative]


def regions(
    styles: Mapping[Any, AnyStyle] | Iterable[tuple[AnyMask, AnyStyle]],
    *,
    base: AnyStyle | None = None,
    feather: float = DEFAULT_FEATHER,
) -> ComposedStyle:
    """Paint each region of a photo in its own style.

    Every style paints the whole photo, so that its colors and contrast are those of the whole; the masks
    weight the pictures. Where masks overlap, the styles are averaged.

    Args:
        styles: the style of each mask: ``{"sky.png": "starry_night", "ground.png": "wave"}``; or pairs of a
            mask and a style. Masks have the photo's proportions. A style may be a blend.
        base: the style where no mask is; None: the photo stays.
        feather: width of the masks' soft edges, in percent of the shorter side; 0: as they are.

    Raises:
        GanstyleError: a style cannot be loaded or has regions itself, a mask cannot be read or is black, or
            the feather is out of range.
        ValueError: a mask's tensor has another shape, or values out of range.
    """
    pairs = [*(styles.items() if isinstance(styles, Mapping) else styles)]
    if not pairs:
        raise GanstyleError("there is no region; give at least one mask with its style")
    layers, names = [], []
    if base is not None:
        painter = _load(base)
        layers += _layers(painter)
        names.append(painter.name)
    for number, (mask, style) in enumerate(pairs, start=1):
        name = str(mask) if isinstance(mask, str | Path) else f"mask {number}"
        region = make_region(_read(mask), feather=feather, name=name)
        painter = _load(style)
        layers += [replace(layer, region=region) for layer in _layers(painter)]
        names.append(f"{name}={painter.name}")
    return ComposedStyle(", ".join(names), LayeredGenerator(layers))


def _load(style: AnyStyle) -> PhotoPainter:
    return style if isinstance(style, PhotoPainter) else load_style(style)


def _layers(painter: PhotoPainter, share: float = 1.0) -> list[Layer]:
    """Return what paints a style, or a blend of some, with its part in the picture."""
    if isinstance(painter.generator, LayeredGenerator):
        layers = painter.generator.layers
        if any(layer.region is not None for layer in layers):
            raise GanstyleError(
                f"{painter.name}: has regions, and so cannot be part of another; combine its styles instead"
            )
        return [replace(layer, share=layer.share * share) for layer in layers]
    return [Layer(painter.generator, painter.trained_side, share)]


def _read(mask: AnyMask) -> Tensor:
    if isinstance(mask, Tensor):
        return mask
    return luminance(from_pil(mask)) if isinstance(mask, Image.Image) else read_mask(expand_user(mask))
