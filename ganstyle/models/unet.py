"""The U-Net generator."""

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

_DEEPEST = 8  # photos are padded to 512 pixels

_FIRST_SKIP = 2  # level of the finest skip connection: a quarter of the size


class UNetGenerator(nn.Module):
    """Encoder and decoder joined by skip connections at the coarser sizes (Ronneberger et al. 2015).

    A skip connection at full size would let the decoder copy the photo's texture, which the style has
    to replace. Only maps at a quarter of the size and coarser are connected: they carry the layout,
    and the decoder has to generate all finer detail. The deep levels have a far larger receptive field
    than a residual generator, at little cost.

    Departs from the paper: resize-convolution, instance norm, reflection padding, strided
    convolution in place of pooling, residual blocks at the coarsest size.

    Takes (B, 3, H, W) in [0,1] with any H and W from 1 up; returns the same shape in [0,1], float32.
    Images with a side under ``2 * 2**depth`` pixels are padded internally with their edge pixels, so that
    every normalized map has more than one pixel.

    Args:
        width: channels at full size; they double at each level, up to 4 times ``width``.
        depth: how many times the size is halved, at most 8.
        blocks: number of residual blocks at the coarsest size.
        kernel: side of the first and the last kernel in pixels, odd.
        strength: whether the generator takes a strength, which is then part of the training.

    Raises:
        ValueError: a value is not a positive whole number, the depth is over 8, or the kernel is even.
    """

    def __init__(
        self, width: int = 32, depth: int = 4, blocks: int = 2, kernel: int = 5, strength: bool = False
    ) -> None:
        super().__init__()
        check_positive(width=width, depth=depth, blocks=blocks)
        if depth > _DEEPEST:
            raise ValueError(f"depth must be at most {_DEEPEST}, not {depth}")
        check_kernel(kernel)
        channels = [width * min(2**level, 4) for level in range(depth + 1)]
        self.minimum = 2 * 2**depth
        self.conditioned = strength
        self.stem = ConvBlock(3, width, kernel, conditioned=strength)
        self.down = nn.ModuleList(
            ConvBlock(channels[level], channels[level + 1], stride=2, conditioned=strength)
            for level in range(depth)
        )
        self.body = nn.ModuleList(ResidualBlock(channels[depth], conditioned=strength) for _ in range(blocks))
        self.up = nn.ModuleList(
            UpsampleBlock(
                channels[level + 1],
                channels[level],
                skip=channels[level] if level >= _FIRST_SKIP else 0,
                conditioned=strength,
            )
            for level in reversed(range(depth))
        )
        self.to_image = ToImage(width, kernel)

    def forward(self, x: Tensor, strength: float | Tensor = 1.0) -> Tensor:
        """Return the stylized image, (B, 3, H, W) in [0,1].

        Args:
            x: the photos.
            strength: strength of the style, a number or (B,). Values other than 1 need ``strength=True``.
        """
        height, width = x.shape[-2:]
        strengths = expand_strength(strength, x, conditioned=self.conditioned)
        maps = [self.stem(pad_to_minimum(x, self.minimum) * 2 - 1, strengths)]
        for down in self.down:
            maps.append(down(maps[-1], strengths))
        out = maps.pop()
        for block in self.body:
            out = block(out, strengths)
        for up in self.up:
            level = len(maps) - 1
            peer = maps.pop()
            out = up(out, peer.shape[-2:], peer if level >= _FIRST_SKIP else None, strengths)
        image: Tensor = self.to_image(out)[..., :height, :width]
        return image if strengths is None else blend_with_photo(image, x, strengths)
