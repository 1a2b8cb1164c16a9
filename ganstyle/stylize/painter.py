"""What stylizes photos when it is called: one style, or several at once."""

from abc import ABC, abstractmethod
from typing import overload

from PIL import Image
from torch import Tensor, nn

from ganstyle.images import from_pil, to_pil
from ganstyle.images.color import luminance
from ganstyle.images.convert import outside_unit_range
from ganstyle.stylize.controls import PLAIN, Controls
from ganstyle.stylize.image import stylize_image
from ganstyle.stylize.tiles import TileSize


class PhotoPainter(ABC):
    """Stylizes photos with a generator, which subclasses hold.

    Attributes:
        name: what reports call it.
        generator: as for `stylize_image`.
    """

    name: str
    generator: nn.Module

    @property
    @abstractmethod
    def trained_side(self) -> int:
        """The shorter side in pixels of the pictures that the generator was trained on."""

    def everywhere(self) -> "PhotoPainter":
        """Return the same without regions, for a measurement of what it costs."""
        return self

    @overload
    def __call__(
        self,
        image: Tensor,
        strength: float = ...,
        preserve_color: bool = ...,
        mask: Tensor | Image.Image | None = ...,
        stroke_size: float = ...,
        tile: TileSize = ...,
    ) -> Tensor: ...
    @overload
    def __call__(
        self,
        image: Image.Image,
        strength: float = ...,
        preserve_color: bool = ...,
        mask: Tensor | Image.Image | None = ...,
        stroke_size: float = ...,
        tile: TileSize = ...,
    ) -> Image.Image: ...
    def __call__(
        self,
        image: Tensor | Image.Image,
        strength: float = 1.0,
        preserve_color: bool = False,
        mask: Tensor | Image.Image | None = None,
        stroke_size: float = 1.0,
        tile: TileSize = "auto",
    ) -> Tensor | Image.Image:
        """Stylize a photo on the generator's device.

        Args:
            image: a Pillow image of any mode, or (B, 3, H, W) RGB floating point in [0, 1].
            strength: 0 gives the photo, 1 the style as it was trained; at most 1.5.
            preserve_color: change only light and dark.
            mask: where to paint, of the photo's proportions: a Pillow image, white is painted; or
                (1, 1, H, W) in [0, 1].
            stroke_size: how large strokes are relative to the picture: 1 as in training; 0 as fine as the
                generator paints at full size.
            tile: paint in tiles of at most this many pixels a side, which saves memory and changes nothing
                else; ``"off"``: at once.

        Returns:
            The kind that was given: a Pillow image in RGB, upright; or a tensor of the same shape, float32,
            on the CPU.

        Raises:
            GanstyleError: the strength is out of range, the mask does not fit, or there is not enough memory.
            ValueError: a tensor has another shape or range.
        """
        where = luminance(from_pil(mask)) if isinstance(mask, Image.Image) else mask
        controls = Controls(strength, preserve_color, where, stroke_size)
        if isinstance(image, Image.Image):
            return to_pil(self.paint(from_pil(image), controls, tile=tile))
        check_photo(image)
        return self.paint(image, controls, tile=tile)

    def paint(self, image: Tensor, controls: Controls = PLAIN, *, tile: TileSize = "auto") -> Tensor:
        """Stylize (B, 3, H, W) in [0, 1]; see `ganstyle.stylize.stylize_image`."""
        return stylize_image(self.generator, image, controls, trained_side=self.trained_side, tile=tile)


def check_photo(image: Tensor) -> None:
    """Raise ValueError if a tensor is no photo: of another shape than (B, 3, H, W), or not in [0, 1]."""
    if image.ndim != 4 or image.shape[1] != 3 or 0 in image.shape or not image.is_floating_point():
        raise ValueError(
            f"expected a floating-point photo of shape (B, 3, H, W), got {tuple(image.shape)} {image.dtype}"
        )
    if values := outside_unit_range(image):
        raise ValueError(f"a photo's values must be in [0, 1], not {values}")
