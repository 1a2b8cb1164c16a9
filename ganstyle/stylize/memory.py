"""How large the part of a picture may be that is painted at once, by the memory at hand."""

import copy
import math
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from ganstyle.devices import free_memory

_SIDE = 64  # pixels of the picture that is painted to look at the maps
# So many of its largest maps does a generator need at once, measured as peak memory at 512x512 and 1920x1080:
# 5 to 7 for the lean generator, 9 for the residual one and 9 for the U-Net.
_MAPS = 9
_SHARE = 0.5  # of the memory at hand; the rest is for the picture itself, and for others

_MEASURED: WeakKeyDictionary[nn.Module, float] = WeakKeyDictionary()


def affordable_pixels(generator: nn.Module, device: torch.device) -> float:
    """Return how many pixels a generator can paint at once with half of the memory at hand."""
    return free_memory(device) * _SHARE / bytes_per_pixel(generator)


def bytes_per_pixel(generator: nn.Module) -> float:
    """Return about how many bytes a generator needs for each pixel that it paints at once."""
    if generator not in _MEASURED:
        _MEASURED[generator] = _MAPS * _largest_map(generator) / _SIDE**2
    return _MEASURED[generator]


def _largest_map(generator: nn.Module) -> int:
    """Return the bytes of the largest map that a module returns for a small picture."""
    probe = copy.deepcopy(generator).to("cpu", torch.float32).eval()
    largest = 3 * _SIDE**2 * 4  # the picture's own

    def look(module: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal largest
        if isinstance(output, Tensor):
            largest = max(largest, output.numel() * output.element_size())

    for module in probe.modules():
        module.register_forward_hook(look)
    with torch.inference_mode():
        probe(torch.full((1, 3, _SIDE, _SIDE), 0.5))
    return largest


def largest_side(pixels: float, sides: tuple[int, ...]) -> int:
    """Return the largest of some sides, given in descending order, whose square has at most so many pixels.

    The smallest one if none has. A few fixed sides, so that a picture is painted in the same tiles whenever
    the memory is about the same.
    """
    return next((side for side in sides if side <= math.sqrt(pixels)), sides[-1])
