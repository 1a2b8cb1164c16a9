"""The residual generator of fast style transfer."""

from torch import Tensor, nn

from ganstyle.models.blocks import (
    ConvBlock,
    ResidualBlock,
    ToImage,
    UpsampleBlock,
    check_kernel,
    check_positive,
    pad_to_minimum,
)
from ganstyle.models.strength import blend_with_photo, expand_strength

_MINIMUM = 16  # smaller images are padded to this size, which keeps the quarter-size maps at 4x4 or more


class ResNetGenerator(nn.Module):
    """Encoder, residual blocks at a quarter of the size, decoder (Johnson et al. 2016).

    Departs from the paper: resize-convolution in place of transposed convolution, instance norm in
    place of batch norm, reflection padding at every convolution, a sigmoid at the end, and a
    configurable width. The defaults are the paper's network; ``width=16, kernel=5`` has a quarter of its
    parameters.

    Takes (B, 3, H, W) in [0,1] with any H and W from 1 up; returns the same shape in [0,1], float32.

    Args:
        width: channels at full size; 2x and 4x as many at a half and a quarter of it.
        blocks: number of residual blocks.
        kernel: side of the first and the last kernel in pixels, odd.
        strength: whether the generator takes a strength, which is then part of the training.

    Raises:
        ValueError: a value is not a positive whole number, or the kernel is even.
    """

    def __init__(self, width: int = 32, blocks: int = 5, kernel: int = 9, strength: bool = False) -> None:
        super().__init__()
        check_positive(width=width, blocks=blocks)
        check_kernel(kernel)
        self.conditioned = strength
        self.stem = ConvBlock(3, width, kernel, conditioned=strength)
        self.down1 = ConvBlock(width, 2 * width, stride=2, conditioned=strength)
        self.down2 = ConvBlock(2 * width, 4 * width, stride=2, conditioned=strength)
        self.body = nn.ModuleList(ResidualBlock(4 * width, conditioned=strength) for _ in range(blocks))
        self.up1 = UpsampleBlock(4 * width, 2 * width, conditioned=strength)
        self.up2 = UpsampleBlock(2 * width, width, conditioned=strength)
        self.to_image = ToImage(width, kernel)

    def forward(self, x: Tensor, strength: float | Tensor = 1.0) -> Tensor:
        """Return the stylized image, (B, 3, H, W) in [0,1].

        Args:
            x: the photos.
            strength: strength of the style, a number or (B,). Values other than 1 need ``strength=True``.
        """
        height, width = x.shape[-2:]
        strengths = expand_strength(strength, x, conditioned=self.conditioned)
        photo = pad_to_minimum(x, _MINIMUM)
        full = self.stem(photo * 2 - 1, strengths)
        half = self.down1(full, strengths)
        out = self.down2(half, strengths)
        for block in self.body:
            out = block(out, strengths)
        out = self.up1(out, half.shape[-2:], condition=strengths)
        out = self.up2(out, full.shape[-2:], condition=strengths)
        image: Tensor = self.to_image(out)[..., :height, :width]
        return image if strengths is None else blend_with_photo(image, x, strengths)
