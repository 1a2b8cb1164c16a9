"""A small network distilled from VGG-16, which returns the same feature maps."""

import copy
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import fuse_conv_bn_eval

from ganstyle.errors import WeightsError
from ganstyle.models.channels_last_conv import ChannelsLastConv2d
from ganstyle.models.vgg import LAYERS, MEAN, WIDTHS, Padding, check_size

STUDENT_LAYERS = {"relu1_2": 64, "relu2_2": 128, "relu3_3": 256}
"""The layers whose maps the student returns, and their channels, as in VGG-16."""

_CONVOLUTIONS = LAYERS[: LAYERS.index("relu3_3") + 1]
_CONTRAST = 4.0  # scales pixels to about unit variance


class VGG16Student(nn.Module):
    """Imitates relu1_2, relu2_2 and relu3_3 of VGG-16 with cheaper convolutions (Hinton et al. 2015).

    It has VGG-16's first seven convolutions, each with a ReLU, and its first two poolings. They are cheaper
    in two ways: intermediate maps may be narrower than VGG-16's, and a 3x3 kernel may be replaced by a 3x1
    kernel into a few channels followed by a 1x3 kernel (Jaderberg et al. 2014). The returned maps are as wide
    as VGG-16's, and each block computes on from the returned map of the block before it. The deeper maps
    therefore contain nothing that the shallower ones lack, which gives an optimizer nothing to exploit
    between the two.

    Takes (B, 3, H, W) in [0, 1]; values slightly outside are accepted. Returns a dict from each requested
    layer to its map (B, C, H/2ᵏ, W/2ᵏ) with k = 0, 1, 2.

    Args:
        widths: channels of relu1_1, relu1_2, relu2_1, relu2_2, relu3_1, relu3_2 and relu3_3.
        ranks: channels between the two kernels of a factorized convolution; 0 for a plain 3x3 kernel.
        norm: with batch norm (Ioffe & Szegedy 2015), as in training; without it, as in inference.
        padding: what is beyond a map's border; see `VGG16Features`.

    Attributes:
        hints: the layers whose maps are as wide as VGG-16's and can therefore be compared with them: those
            of ``STUDENT_LAYERS``, and any intermediate ones.

    Raises:
        ValueError: there are not seven widths and ranks, one is out of range, or a returned map is not as
            wide as VGG-16's.
    """

    def __init__(
        self,
        widths: Sequence[int] = (24, 64, 128, 128, 256, 256, 256),
        ranks: Sequence[int] = (0, 0, 40, 48, 80, 96, 96),
        *,
        norm: bool = False,
        padding: Padding = "zeros",
    ) -> None:
        super().__init__()
        _check(widths, ranks)
        self.options: dict[str, Any] = {"widths": list(widths), "ranks": list(ranks)}
        self.units = nn.ModuleDict()
        inputs = 3
        for layer, width, rank in zip(_CONVOLUTIONS, widths, ranks, strict=True):
            self.units[layer] = _unit(inputs, width, rank, norm, padding)
            inputs = width
        self.hints = [k for k, width in zip(_CONVOLUTIONS, widths, strict=True) if width == WIDTHS[k]]
        # VGG-16's own mean, so that zero padding means the same color to both networks.
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1) / 255, persistent=False)
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor, layers: Collection[str] = tuple(STUDENT_LAYERS)) -> dict[str, Tensor]:
        """Return the maps of ``layers``, shallowest first."""
        x = (x - self.get_buffer("mean")) * _CONTRAST
        x = x.to(dtype=next(self.parameters()).dtype, memory_format=torch.channels_last)
        maps: dict[str, Tensor] = {}
        for layer, unit in self.units.items():
            x = unit(F.max_pool2d(x, 2) if layer in ("relu2_1", "relu3_1") else x)
            if layer in layers:
                maps[layer] = x
            if len(maps) == len(layers):
                break
        return maps

    @torch.no_grad()
    def fold(self, scale: Mapping[str, float]) -> "VGG16Student":
        """Return a copy without batch norm, which gives this student's maps times ``scale``.

        Args:
            scale: a factor above 0 for each layer of ``hints``. VGG-16's activations are in the hundreds, too
                large as a regression target, so the student is trained on normalized maps.
        """
        folded = VGG16Student(**self.options)
        before = 1.0
        for layer, unit in copy.deepcopy(self).eval().units.items():
            modules = list(cast(nn.Sequential, unit))
            convs = [module for module in modules if isinstance(module, nn.Conv2d)]
            convs[-1] = fuse_conv_bn_eval(convs[-1], cast(nn.BatchNorm2d, modules[len(convs)]))
            convs[0].weight.div_(before)  # undoes the factor of the incoming map
            before = scale.get(layer, 1.0)
            for parameter in convs[-1].parameters():  # ReLU and pooling commute with a positive factor
                parameter.mul_(before)
            for number, conv in enumerate(convs):
                cast(nn.Sequential, folded.units[layer])[number].load_state_dict(conv.state_dict())
        return folded


def check_layers(layers: Sequence[str]) -> None:
    """Check that the distilled VGG-16 has some layers.

    Raises:
        WeightsError: it lacks one, or there are none.
    """
    held = ", ".join(STUDENT_LAYERS)
    if not layers:
        raise WeightsError(f"no layer was asked for; choose from {held}")
    lacking = [layer for layer in layers if layer not in STUDENT_LAYERS]
    if lacking:
        raise WeightsError(f"the distilled VGG-16 lacks {', '.join(lacking)}; it holds {held}")


class DistilledFeatures(nn.Module):
    """A trained student as a drop-in replacement of `VGG16Features`.

    Frozen and always in evaluation mode. Gradients of any order flow to the input. Autocast is disabled
    inside.

    Takes (B, 3, H, W) in [0, 1]; returns a dict from each requested layer to its map, of type ``dtype`` and
    in channels-last memory.

    Args:
        layers: names out of ``STUDENT_LAYERS``, in any order.
        student: the trained student, without batch norm.
        dtype: the type that the convolutions compute in; see `VGG16Features`.

    Raises:
        WeightsError: the student lacks a requested layer.
    """

    def __init__(
        self, layers: Sequence[str], *, student: VGG16Student, dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        check_layers(layers)
        self.layers = tuple(layer for layer in STUDENT_LAYERS if layer in layers)
        self.student = student.to(dtype).requires_grad_(False)
        self.minimum = 2 ** list(STUDENT_LAYERS).index(self.layers[-1])
        self.eval()

    def train(self, mode: bool = True) -> "DistilledFeatures":
        """Stay in evaluation mode for any ``mode``."""
        return super().train(False)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return the maps of the requested layers, shallowest first.

        Raises:
            ImageError: a side is so short that pooling leaves nothing.
        """
        check_size(x, self.minimum, self.layers[-1])
        with torch.autocast(x.device.type, enabled=False):
            maps: dict[str, Tensor] = self.student(x.float(), self.layers)
        return maps


def _check(widths: Sequence[int], ranks: Sequence[int]) -> None:
    count = len(_CONVOLUTIONS)
    if len(widths) != count or len(ranks) != count:
        raise ValueError(f"widths and ranks must be {count} each: {widths}, {ranks}")
    if min(widths) < 1 or min(ranks) < 0:
        raise ValueError(f"widths must be >= 1 and ranks >= 0: {widths}, {ranks}")
    for layer, width in zip(_CONVOLUTIONS, widths, strict=True):
        if layer in STUDENT_LAYERS and width != STUDENT_LAYERS[layer]:
            raise ValueError(f"{layer} must have VGG-16's {STUDENT_LAYERS[layer]} channels, not {width}")


def _unit(inputs: int, outputs: int, rank: int, norm: bool, padding: Padding) -> nn.Sequential:
    """Build a plain or factorized convolution, optional batch norm, and a ReLU."""
    if rank:
        convs = [
            ChannelsLastConv2d(inputs, rank, (3, 1), padding=(1, 0), bias=False, padding_mode=padding),
            ChannelsLastConv2d(rank, outputs, (1, 3), padding=(0, 1), bias=not norm, padding_mode=padding),
        ]
    else:
        convs = [ChannelsLastConv2d(inputs, outputs, 3, padding=1, bias=not norm, padding_mode=padding)]
    norms = [nn.BatchNorm2d(outputs)] if norm else []
    # In place is safe: neither convolution nor batch norm needs its output for its gradient.
    return nn.Sequential(*convs, *norms, nn.ReLU(inplace=True))
