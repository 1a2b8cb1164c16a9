"""Other ways for a code to reach a generator than through its norms; compared by `any_variants`."""

from functools import wraps
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganstyle.models.blocks import ConvBlock, pad
from ganstyle.models.modulated import ModulatedGenerator
from ganstyle.models.norms import Condition, Modulation
from ganstyle.models.upsample_conv import UpsampleConvBlock


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


class InputModulated(ModulatedGenerator):
    """A modulated generator whose code reaches the inputs of its convolutions as well, all but the first's.

    Takes the keywords of `ModulatedGenerator`, and shows their signature, by which recipes check them.

    Attributes:
        taps: numbers that the code gives for each of these channels.
        demodulated: demodulate the weights, in place of the norms.
    """

    taps: ClassVar[int]
    demodulated: ClassVar[bool] = False

    @wraps(ModulatedGenerator.__init__)  # type: ignore[misc]
    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        blocks = [m for m in self.lean.modules() if isinstance(m, ConvBlock | UpsampleConvBlock)]
        self.targets: list[Any] = [block for block in blocks if block is not self.lean.stem]
        self.input_heads = nn.ModuleList()
        for block in self.targets:
            outputs, inputs = _weight(block).shape[:2]
            head = nn.Linear(self.heads[0].in_features, inputs * self.taps)  # type: ignore[arg-type]
            nn.init.normal_(head.weight, std=0.01)
            nn.init.zeros_(head.bias)
            self.input_heads.append(head)
            if self.demodulated:
                block.norm = _Demodulation(outputs)
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
        """Return a hook that changes what goes into a block."""
        raise NotImplementedError


class NormsAndWeights(InputModulated):
    """Scales the channels, which is the same as to scale the weights (Karras et al. 2020, equation 1)."""

    taps = 1

    def _input_change(self, block: nn.Module, change: Tensor) -> Any:
        scale = 1 + change
        return lambda module, inputs: (inputs[0] * scale[:, :, None, None], *inputs[1:])


class Weights(NormsAndWeights):
    """Scales the weights and demodulates them; has no norms but the first."""

    demodulated = True

    def _input_change(self, block: nn.Module, change: Tensor) -> Any:
        power = _weight(block).square().sum((2, 3))  # (outputs, inputs)
        block.norm.scale = ((1 + change).square() @ power.mT + 1e-8).rsqrt()  # type: ignore[union-attr]
        return super()._input_change(block, change)


class NormsAndKernels(InputModulated):
    """Filters each channel with a 3x3 kernel of its own."""

    taps = 9

    def _input_change(self, block: nn.Module, change: Tensor) -> Any:
        return lambda module, inputs: (_filter(inputs[0], change), *inputs[1:])


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
