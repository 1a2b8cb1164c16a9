"""Weights in 16 bits: half the size, and pictures that differ by less than one level of 255.

Each row of a matrix or kernel (each output channel) becomes int16 with one float32 scale. Float16 would take
as much room and be less precise: its rounding shows as up to two levels in smooth areas, which instance norm
amplifies. Vectors, such as biases, are small and stay as they are.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

_LARGEST = 32767
_SCALE = ".scale"  # what a row scale is called, after its tensor's name


def quantize(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Store matrices and kernels as int16, each with a scale for every row.

    Args:
        tensors: floating-point tensors by name; no name may be another one's with ``.scale`` appended.

    Returns:
        Vectors and scalars unchanged; each (N, …) of two dimensions or more as int16 of the same shape,
        and (N,) float32 under its name with ``.scale`` appended.
    """
    packed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.ndim < 2 or not tensor.is_floating_point():
            packed[name] = tensor
            continue
        scale = tensor.float().flatten(1).abs().amax(1) / _LARGEST
        scale = torch.where(scale > 0, scale, torch.ones_like(scale))
        packed[name] = (tensor.float() / _per_row(scale, tensor.ndim)).round().to(torch.int16)
        packed[name + _SCALE] = scale
    return packed


def dequantize(packed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Undo `quantize`: return every tensor in float32; what is not quantized stays as it is."""
    scales = {name + _SCALE for name, tensor in packed.items() if tensor.dtype == torch.int16}
    return {
        name: tensor.float() * _per_row(packed[name + _SCALE], tensor.ndim)
        if tensor.dtype == torch.int16
        else tensor
        for name, tensor in packed.items()
        if name not in scales
    }


def _per_row(scale: Tensor, dimensions: int) -> Tensor:
    return scale.reshape(-1, *[1] * (dimensions - 1))
