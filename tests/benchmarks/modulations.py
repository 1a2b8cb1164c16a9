"""Other ways for a code to reach a generator than through its norms; compared by `any_variants`."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganstyle.models.blocks import ConvBlock, pad
from ganstyle.models.modulated import ModulatedGenerator
from ganstyle.models.norms import Condition, Modulation
from ganstyle.models.upsample_conv import UpsampleConvBlock

MODULATIONS = ("norms", "weights", "norms+weights", "norms+kernels")


class _Demodulation(nn.Module):
    """Divides a convolution's maps by what its modulated weights multiply noise by; adds a bias.

    Equation 3 of Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", in place
    of a norm.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))
        self.scale: Tensor | None = None

    def forward(self, x: Tensor, condition: Condition = None) -> Tensor:
        assert self.scale is not None
        return x * self.scale[:, :, None, None] + self.bias[:, None, None]


class VariantGenerator(ModulatedGenerator):
    """A modulated generator whose code can reach the inputs of its convolutions as well.

    Args:
        modulate: ``norms``; ``weights``: the input channels of all convolutions but the first, with
            demodulation in place of their norms; ``norms+weights``: both, without demodulation, for a norm
            undoes it; ``norms+kernels``: norms, and a 3x3 kernel for each of these channels.
    """

    def __init__(
        self,
        width: int = 32,
        depth: int = 2,
        blocks: int = 5,
        kernel: int = 5,
        octaves: int = 3,
        code: int = 128,
        antialias: bool = False,
        projections: int = 0,
        coarse: int = 0,
        coarse_width: int = 96,
        modulate: str = "norms",
    ) -> None:
        super().__init__(
            width, depth, blocks, kernel, octaves, code, antialias, projections, coarse, coarse_width
        )
        if modulate not in MODULATIONS:
            raise ValueError(f"modulate must be one of {', '.join(MODULATIONS)}, not {modulate}")
        self.modulate = modulate
        self.targets: list[Any] = []
        self.demodulated = modulate == "weights"
        taps = {"weights": 1, "norms+weights": 1, "norms+kernels": 9}.get(modulate)
        self.input_heads = nn.ModuleList()
        if taps is None:
            return
        blocks_ = [m for m in self.lean.modules() if isinstance(m, ConvBlock | UpsampleConvBlock)]
        self.targets = [block for block in blocks_ if block is not self.lean.stem]
        for block in self.targets:
            head = nn.Linear(self.heads[0].in_features, _weight(block).shape[1] * taps)  # type: ignore[arg-type]
            nn.init.normal_(head.weight, std=0.01)
            nn.init.zeros_(head.bias)
            self.input_heads.append(head)
            if self.demodulated:
                block.norm = _Demodulation(_weight(block).shape[0])
        if self.demodulated:
            self.heads = nn.ModuleList()  # the stem keeps its norm, as it is

    def forward(self, x: Tensor, style: Any) -> Tensor:
        code = style if isinstance(style, Tensor) else self.encode(style)
        hooks = [
            block.register_forward_pre_hook(self._input_change(block, head(code.flatten(1))))
            for block, head in zip(self.targets, self.input_heads, strict=True)
        ]
        try:
            if self.demodulated:
                return self.lean.paint(x, None)
            return self.lean.paint(x, Modulation(torch.cat(self._changes(code), dim=1)))
        finally:
            for hook in hooks:
                hook.remove()

    def _input_change(self, block: nn.Module, change: Tensor) -> Any:
        if self.modulate == "norms+kernels":
            return lambda module, inputs: (_filter(inputs[0], change), *inputs[1:])
        scale = 1 + change
        if self.demodulated:
            power = _weight(block).square().sum((2, 3))  # (outputs, inputs)
            block.norm.scale = (scale.square() @ power.mT + 1e-8).rsqrt()  # type: ignore[union-attr]
        return lambda module, inputs: (inputs[0] * scale[:, :, None, None], *inputs[1:])


def _weight(block: Any) -> Tensor:
    """Return the weights of a block's convolution, (outputs, inputs, side, side)."""
    conv = block.conv.conv if isinstance(block, UpsampleConvBlock) else block.conv
    weight: Tensor = conv.weight
    return weight


def _filter(x: Tensor, change: Tensor) -> Tensor:
    """Filter every channel of every item with a kernel of its own: the identity, and (B, C·9) added to it."""
    batch, channels, height, width = x.shape
    kernels = change.reshape(batch * channels, 1, 3, 3) + _identity(x)
    return F.conv2d(pad(x, 1).reshape(1, -1, height + 2, width + 2), kernels, groups=len(kernels)).view_as(x)


def _identity(x: Tensor) -> Tensor:
    kernel = x.new_zeros(3, 3)
    kernel[1, 1] = 1
    return kernel
