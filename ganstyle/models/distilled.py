"""A small network that gives the feature maps of VGG-16: the student of a distillation."""

import copy
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import fuse_conv_bn_eval

from ganstyle.errors import WeightsError
from ganstyle.models.vgg import MEAN, check_size

STUDENT_LAYERS = {"relu1_2": 64, "relu2_2": 128, "relu3_3": 256}
"""The maps that the student gives, and their channels, which are VGG-16's."""

_CONTRAST = 4.0  # brings pixels to about unit variance


class VGG16Student(nn.Module):
    """Imitates relu1_2, relu2_2 and relu3_3 of VGG-16 with a narrower trunk (Hinton et al. 2015).

    The trunk has VGG-16's first three blocks with fewer and narrower 3x3 convolutions. A head, one
    convolution with a ReLU (a "regressor" in Romero et al. 2015), widens each block's last map to VGG-16's
    number of channels, so that the maps, and with them the Gram matrices, have VGG-16's shapes.

    Takes (B, 3, H, W) in [0, 1], values somewhat outside included. Returns a dict from each layer of
    ``STUDENT_LAYERS`` to its map (B, C, H/2ᵏ, W/2ᵏ) with k = 0, 1, 2.

    Args:
        widths: the trunk's channels in its three blocks.
        depths: the trunk's convolutions in its three blocks.
        heads: side of each head's kernel, odd. Where a head sees several pixels, its block can be narrow.
        norm: with batch norm (Ioffe & Szegedy 2015), as the student is trained; without, as it is used.

    Raises:
        ValueError: a number is out of range, or there are not three of a kind.
    """

    def __init__(
        self,
        widths: Sequence[int] = (16, 48, 112),
        depths: Sequence[int] = (1, 1, 2),
        heads: Sequence[int] = (3, 3, 3),
        *,
        norm: bool = False,
    ) -> None:
        super().__init__()
        if any(len(numbers) != len(STUDENT_LAYERS) for numbers in (widths, depths, heads)):
            raise ValueError(f"widths, depths and heads must be three each: {widths}, {depths}, {heads}")
        if min(*widths, *depths, *heads) < 1 or any(side % 2 == 0 for side in heads):
            raise ValueError(f"widths and depths must be >= 1, heads odd: {widths}, {depths}, {heads}")
        self.options: dict[str, Any] = {"widths": list(widths), "depths": list(depths), "heads": list(heads)}
        self.trunk = nn.ModuleDict()
        self.heads = nn.ModuleDict()
        inputs = 3
        for layer, width, depth, side in zip(STUDENT_LAYERS, widths, depths, heads, strict=True):
            ends = [inputs, *[width] * depth]
            self.trunk[layer] = nn.Sequential(*(_unit(a, b, 3, norm) for a, b in pairwise(ends)))
            self.heads[layer] = _unit(width, STUDENT_LAYERS[layer], side, norm)
            inputs = width
        # VGG-16's own, so that the zeros beyond the borders mean the same to both networks.
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1) / 255, persistent=False)
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor, layers: Collection[str] = tuple(STUDENT_LAYERS)) -> dict[str, Tensor]:
        """Return the maps of ``layers``, shallowest first."""
        x = (x - self.get_buffer("mean")) * _CONTRAST
        x = x.to(dtype=next(self.parameters()).dtype, memory_format=torch.channels_last)
        maps: dict[str, Tensor] = {}
        for number, (layer, block) in enumerate(self.trunk.items()):
            x = block(F.max_pool2d(x, 2) if number else x)
            if layer in layers:
                maps[layer] = self.heads[layer](x)
            if len(maps) == len(layers):
                break
        return maps

    @torch.no_grad()
    def fold(self, scale: Mapping[str, float]) -> "VGG16Student":
        """Return a copy without batch norm, which gives this student's maps times ``scale``.

        Args:
            scale: a factor above 0 for each layer; VGG-16's maps are of the order of hundreds, which no
                network likes to be trained to.
        """
        folded = VGG16Student(**self.options)
        for name, unit in copy.deepcopy(self).eval().named_modules():
            if isinstance(unit, nn.Sequential) and isinstance(unit[0], nn.Conv2d):
                conv = fuse_conv_bn_eval(unit[0], cast(nn.BatchNorm2d, unit[1]))
                cast(nn.Sequential, folded.get_submodule(name))[0].load_state_dict(conv.state_dict())
        for layer, head in folded.heads.items():  # a factor passes through a ReLU
            for parameter in head.parameters():
                parameter.mul_(scale[layer])
        return folded


class DistilledFeatures(nn.Module):
    """A trained student in the place of `VGG16Features`: the same call, maps of the same shapes.

    Frozen and always in evaluation mode. Gradients of any order flow to the input. Autocast is off inside.

    Takes (B, 3, H, W) in [0, 1]; returns a dict from each layer asked for to its map, of type ``dtype`` and
    in channels-last memory.

    Args:
        layers: names out of ``STUDENT_LAYERS``, in any order.
        student: without batch norm.
        dtype: what the convolutions are computed in; see `VGG16Features`.

    Raises:
        WeightsError: the student does not give a layer.
    """

    def __init__(
        self, layers: Sequence[str], *, student: VGG16Student, dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        held = ", ".join(STUDENT_LAYERS)
        if not layers:
            raise WeightsError(f"no layer was asked for; choose from {held}")
        lacking = [layer for layer in layers if layer not in STUDENT_LAYERS]
        if lacking:
            raise WeightsError(f"the distilled VGG-16 lacks {', '.join(lacking)}; it holds {held}")
        self.layers = tuple(layer for layer in STUDENT_LAYERS if layer in layers)
        self.student = student.to(dtype).requires_grad_(False)
        self.minimum = 2 ** list(STUDENT_LAYERS).index(self.layers[-1])
        self.eval()

    def train(self, mode: bool = True) -> "DistilledFeatures":
        """Stay in evaluation mode whatever ``mode`` says."""
        return super().train(False)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return the maps of the layers asked for, shallowest first.

        Raises:
            ImageError: a side is so short that pooling leaves nothing.
        """
        check_size(x, self.minimum, self.layers[-1])
        with torch.autocast(x.device.type, enabled=False):
            maps: dict[str, Tensor] = self.student(x.float(), self.layers)
        return maps


def _unit(inputs: int, outputs: int, side: int, norm: bool) -> nn.Sequential:
    """Build a convolution, batch norm if asked for, and a ReLU."""
    conv = nn.Conv2d(inputs, outputs, side, padding=side // 2, bias=not norm)
    norms = [nn.BatchNorm2d(outputs)] if norm else []
    # In place is safe: neither a convolution nor batch norm needs its output for its gradient.
    return nn.Sequential(conv, *norms, nn.ReLU(inplace=True))
