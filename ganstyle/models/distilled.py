"""A small network that gives the feature maps of VGG-16: the student of a distillation."""

import copy
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import fuse_conv_bn_eval

from ganstyle.errors import WeightsError
from ganstyle.models.vgg import LAYERS, MEAN, WIDTHS, check_size

STUDENT_LAYERS = {"relu1_2": 64, "relu2_2": 128, "relu3_3": 256}
"""The maps that the student gives, and their channels, which are VGG-16's."""

_CONVOLUTIONS = LAYERS[: LAYERS.index("relu3_3") + 1]
_CONTRAST = 4.0  # brings pixels to about unit variance


class VGG16Student(nn.Module):
    """Imitates relu1_2, relu2_2 and relu3_3 of VGG-16 with cheaper convolutions (Hinton et al. 2015).

    It has VGG-16's seven first convolutions, each with a ReLU, and two of its poolings. They are cheaper in
    two ways: the map between two convolutions may be narrower than VGG-16's, and a 3x3 kernel may be a 3x1
    kernel into a few channels and a 1x3 kernel out of them (Jaderberg et al. 2014). The maps that are given
    are as wide as VGG-16's, and the next block goes on from them: what the student does not know of a map,
    it does not know of the deeper ones either, so an optimizer cannot hide anything between the two.

    Takes (B, 3, H, W) in [0, 1], values somewhat outside included. Returns a dict from each layer asked for
    to its map (B, C, H/2ᵏ, W/2ᵏ) with k = 0, 1, 2.

    Args:
        widths: channels of relu1_1, relu1_2, relu2_1, relu2_2, relu3_1, relu3_2 and relu3_3.
        ranks: channels between the two kernels that stand for one; 0 where it is a plain 3x3 kernel.
        norm: with batch norm (Ioffe & Szegedy 2015), as the student is trained; without, as it is used.

    Attributes:
        hints: the layers whose maps are as wide as VGG-16's and can be compared with them: those of
            ``STUDENT_LAYERS``, and any on the way to them.

    Raises:
        ValueError: there are not seven of a kind, a number is out of range, or a map that is given is not as
            wide as VGG-16's.
    """

    def __init__(
        self,
        widths: Sequence[int] = (24, 64, 128, 128, 256, 256, 256),
        ranks: Sequence[int] = (0, 0, 40, 48, 80, 96, 96),
        *,
        norm: bool = False,
    ) -> None:
        super().__init__()
        _check(widths, ranks)
        self.options: dict[str, Any] = {"widths": list(widths), "ranks": list(ranks)}
        self.units = nn.ModuleDict()
        inputs = 3
        for layer, width, rank in zip(_CONVOLUTIONS, widths, ranks, strict=True):
            self.units[layer] = _unit(inputs, width, rank, norm)
            inputs = width
        self.hints = [k for k, width in zip(_CONVOLUTIONS, widths, strict=True) if width == WIDTHS[k]]
        # VGG-16's own, so that the zeros beyond the borders mean the same to both networks.
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
            scale: a factor above 0 for each layer of ``hints``; VGG-16's maps are of the order of hundreds,
                which no network likes to be trained to.
        """
        folded = VGG16Student(**self.options)
        before = 1.0
        for layer, unit in copy.deepcopy(self).eval().units.items():
            modules = list(cast(nn.Sequential, unit))
            convs = [module for module in modules if isinstance(module, nn.Conv2d)]
            convs[-1] = fuse_conv_bn_eval(convs[-1], cast(nn.BatchNorm2d, modules[len(convs)]))
            convs[0].weight.div_(before)  # undoes the factor of the map that comes in
            before = scale.get(layer, 1.0)
            for parameter in convs[-1].parameters():  # a factor passes through a ReLU, and through pooling
                parameter.mul_(before)
            for number, conv in enumerate(convs):
                cast(nn.Sequential, folded.units[layer])[number].load_state_dict(conv.state_dict())
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


def _check(widths: Sequence[int], ranks: Sequence[int]) -> None:
    count = len(_CONVOLUTIONS)
    if len(widths) != count or len(ranks) != count:
        raise ValueError(f"widths and ranks must be {count} each: {widths}, {ranks}")
    if min(widths) < 1 or min(ranks) < 0:
        raise ValueError(f"widths must be >= 1 and ranks >= 0: {widths}, {ranks}")
    for layer, width in zip(_CONVOLUTIONS, widths, strict=True):
        if layer in STUDENT_LAYERS and width != STUDENT_LAYERS[layer]:
            raise ValueError(f"{layer} must have VGG-16's {STUDENT_LAYERS[layer]} channels, not {width}")


def _unit(inputs: int, outputs: int, rank: int, norm: bool) -> nn.Sequential:
    """Build a convolution of one kernel or two, batch norm if asked for, and a ReLU."""
    if rank:
        convs = [
            nn.Conv2d(inputs, rank, (3, 1), padding=(1, 0), bias=False),
            nn.Conv2d(rank, outputs, (1, 3), padding=(0, 1), bias=not norm),
        ]
    else:
        convs = [nn.Conv2d(inputs, outputs, 3, padding=1, bias=not norm)]
    norms = [nn.BatchNorm2d(outputs)] if norm else []
    # In place is safe: neither a convolution nor batch norm needs its output for its gradient.
    return nn.Sequential(*convs, *norms, nn.ReLU(inplace=True))
