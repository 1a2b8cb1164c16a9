"""VGG-16 as a frozen feature extractor."""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganstyle.errors import ImageError, WeightsError
from ganstyle.models.channels_last_conv import ChannelsLastConv2d

Padding = Literal["zeros", "replicate"]

MEAN = (123.68, 116.779, 103.939)
"""ImageNet's mean color, RGB on the scale 0–255."""

_BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


def _table() -> dict[str, tuple[int, int, int]]:
    """Map each layer's name to its convolution's (index in ``features``, inputs, outputs)."""
    table: dict[str, tuple[int, int, int]] = {}
    index, inputs = 0, 3
    for block, widths in enumerate(_BLOCKS, start=1):
        for number, outputs in enumerate(widths, start=1):
            table[f"relu{block}_{number}"] = (index, inputs, outputs)
            index, inputs = index + 2, outputs  # a convolution and its ReLU
        index += 1  # the pooling after each block
    return table


_TABLE = _table()
LAYERS = tuple(_TABLE)  # relu1_1 … relu5_3, in the network's order
WIDTHS = {layer: outputs for layer, (_, _, outputs) in _TABLE.items()}  # channels of each map


class VGG16Features(nn.Module):
    """Feature maps of VGG-16 (Simonyan & Zisserman 2015, configuration D).

    Built only up to the deepest requested layer, frozen, and always in evaluation mode. It normalizes
    its input itself: ``x·255 − (123.68, 116.779, 103.939)``, in RGB, as the original weights expect.

    Takes (B, 3, H, W) in [0,1]; returns a dict from each requested layer to its map
    (B, C, H/2ᵏ, W/2ᵏ) after the ReLU, where k is the number of poolings before it (2x2, maximum, rounding
    down). The maps keep the type ``dtype`` and channels-last memory of the convolutions: converting them,
    and their gradients on the way back, would take a seventh of the time. Gradients of any order flow to
    the input. Autocast is disabled inside: the convolutions always run in ``dtype``.

    Args:
        layers: names out of ``LAYERS``, in any order.
        state: weights under torchvision's names, ``features.0.weight`` or ``0.weight``. It may hold
            only the first layers. None draws random weights (He et al. 2015).
        dtype: the type that the convolutions compute in. ``torch.bfloat16`` is fast on processors with
            native support. Maps up to relu3_3 then deviate by 0.3 to 0.6 % of their norm, measured on photos.
        padding: what is beyond a map's border: ``zeros``, as VGG-16 was trained, or ``replicate``, its
            edge. With zeros every border looks like the edge of a dark frame, and a picture trained or
            optimized on such maps answers it with a gray frame.

    Attributes:
        minimum: the shortest side of an image that leaves one pixel of the deepest map.

    Raises:
        WeightsError: a layer's name is unknown, the state lacks a layer, or a shape is wrong.
    """

    def __init__(
        self,
        layers: Sequence[str],
        *,
        state: Mapping[str, Tensor] | None,
        dtype: torch.dtype = torch.float32,
        padding: Padding = "zeros",
    ) -> None:
        super().__init__()
        wanted = set(layers)
        if not wanted:
            raise WeightsError(f"no VGG-16 layer was asked for; choose from {', '.join(LAYERS)}")
        for layer in layers:
            if layer not in _TABLE:
                raise WeightsError(f"{layer}: VGG-16 has no such layer; choose from {', '.join(LAYERS)}")
        self.layers = tuple(layer for layer in LAYERS if layer in wanted)
        deepest = LAYERS.index(self.layers[-1])
        if state is not None:
            _check_held(self.layers, state)
        self.convs = nn.ModuleDict()
        for layer in LAYERS[: deepest + 1]:
            self.convs[layer] = _conv(layer, state, padding)
        self.to(dtype).to(memory_format=torch.channels_last)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.minimum = 2 ** (int(self.layers[-1][4]) - 1)
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> "VGG16Features":
        """Stay in evaluation mode for any ``mode``."""
        return super().train(False)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return the maps of the requested layers, in the network's order.

        Raises:
            ImageError: a side is so short that pooling leaves nothing.
        """
        check_size(x, self.minimum, self.layers[-1])
        maps: dict[str, Tensor] = {}
        with torch.autocast(x.device.type, enabled=False):
            x = x.float() * 255 - self.get_buffer("mean").float()
            dtype = next(self.parameters()).dtype
            x = x.to(dtype=dtype, memory_format=torch.channels_last)
            for layer, conv in self.convs.items():
                if layer.endswith("_1") and layer != "relu1_1":
                    x = F.max_pool2d(x, 2)
                # In place is safe: a convolution's gradient needs its input, never its output.
                x = F.relu(conv(x), inplace=True)
                if layer in self.layers:
                    maps[layer] = x
        return maps

    @staticmethod
    def held_layers(state: Mapping[str, Tensor]) -> list[str]:
        """Return the names of the layers that can be computed from ``state``, shallowest first.

        Each layer also needs the weights of all layers before it.
        """
        held: list[str] = []
        for layer in LAYERS:
            if _entry(layer, "weight", state) is None or _entry(layer, "bias", state) is None:
                break
            held.append(layer)
        return held


def check_size(image: Tensor, minimum: int, layer: str) -> None:
    """Raise ImageError if a side of (B, 3, H, W) is so short that pooling leaves nothing of ``layer``."""
    height, width = image.shape[-2:]
    if min(height, width) < minimum:
        raise ImageError(
            f"{height}x{width} pixels are too few for {layer} of VGG-16; "
            f"give an image of at least {minimum}x{minimum}"
        )


def _entry(layer: str, kind: str, state: Mapping[str, Tensor]) -> Tensor | None:
    """Return a layer's "weight" or "bias" out of ``state``, with or without the prefix."""
    key = f"{_TABLE[layer][0]}.{kind}"
    entry = state.get(f"features.{key}")
    return state.get(key) if entry is None else entry


def _check_held(layers: Sequence[str], state: Mapping[str, Tensor]) -> None:
    """Raise WeightsError if ``state`` lacks one of the layers."""
    held = VGG16Features.held_layers(state)
    lacking = [layer for layer in layers if layer not in held]
    if lacking:
        raise WeightsError(
            f"the VGG-16 weights lack {', '.join(lacking)}; they hold {', '.join(held) or 'no layer'}"
        )


def _conv(layer: str, state: Mapping[str, Tensor] | None, padding: Padding) -> nn.Conv2d:
    """Build one convolution and fill it from ``state``, or at random if that is None."""
    index, inputs, outputs = _TABLE[layer]
    # Without the weights that a constructor draws: they take longer than those of the state.
    empty = ChannelsLastConv2d(inputs, outputs, 3, padding=1, padding_mode=padding, device="meta")
    conv = empty.to_empty(device="cpu")
    if conv.bias is None:  # never: for the type checker
        raise AssertionError
    if state is None:
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        nn.init.zeros_(conv.bias)
        return conv
    with torch.no_grad():
        for kind, parameter in (("weight", conv.weight), ("bias", conv.bias)):
            entry = _entry(layer, kind, state)
            if entry is None or entry.shape != parameter.shape:
                found = "nothing" if entry is None else f"shape {tuple(entry.shape)}"
                raise WeightsError(
                    f"features.{index}.{kind}: {found} where VGG-16 has shape "
                    f"{tuple(parameter.shape)}; these are not the weights of VGG-16"
                )
            parameter.copy_(entry)
    return conv
