"""Weights in 16 bits, or 8: half the size, and pictures that differ by at most one level of 255.

Each row of a matrix or kernel (each output channel) becomes int16 with one float32 scale. Float16 would take
as much room and be less precise: its rounding shows as up to two levels in smooth areas, which instance norm
amplifies. Of the 16 bits, 11 are used, and low and high bytes lie apart, so that zip files, such as wheels,
shrink by a third: the high bytes are few different ones. Vectors, such as biases, are small and stay.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

_LARGEST = {torch.int16: 2**10 - 1, torch.int8: 2**7 - 1}
SCALE = ".scale"  # what a row scale is called, after its tensor's name


def quantize(tensors: Mapping[str, Tensor], dtype: torch.dtype = torch.int16) -> dict[str, Tensor]:
    """Store matrices and kernels as integers, each with a scale for every row.

    Args:
        tensors: floating-point tensors by name; no name may be another one's with ``.scale`` appended.
        dtype: int16; or int8, where rows are long and what they give is not enlarged later.

    Returns:
        Vectors and scalars unchanged; each (N, …) of two dimensions or more as integers of the same shape,
        or, of 16 bits, as their low and high bytes, (2, N, …) uint8; and (N,) float32 under its name with
        ``.scale`` appended.
    """
    packed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.ndim < 2 or not tensor.is_floating_point():
            packed[name] = tensor
            continue
        scale = tensor.float().flatten(1).abs().amax(1) / _LARGEST[dtype]
        scale = torch.where(scale > 0, scale, torch.ones_like(scale))
        whole = (tensor.float() / _per_row(scale, tensor.ndim)).round().to(dtype)
        packed[name] = _split_bytes(whole) if dtype == torch.int16 else whole
        packed[name + SCALE] = scale
    return packed


def dequantize(packed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Undo `quantize`: return every tensor in float32; what is not quantized stays as it is.

    Integers of 16 bits may also be whole, as earlier files hold them.
    """
    whole = {name: _join_bytes(x) if x.dtype == torch.uint8 else x for name, x in packed.items()}
    scales = {name + SCALE for name, tensor in whole.items() if tensor.dtype in _LARGEST}
    return {
        name: tensor.float() * _per_row(whole[name + SCALE], tensor.ndim)
        if tensor.dtype in _LARGEST
        else tensor
        for name, tensor in whole.items()
        if name not in scales
    }


def _split_bytes(whole: Tensor) -> Tensor:
    return torch.stack([whole.bitwise_and(255), whole.bitwise_right_shift(8).bitwise_and(255)]).byte()


def _join_bytes(split: Tensor) -> Tensor:
    high = split[1].view(torch.int8).short().bitwise_left_shift(8)
    return split[0].short().bitwise_or(high)


def _per_row(scale: Tensor, dimensions: int) -> Tensor:
    return scale.reshape(-1, *[1] * (dimensions - 1))
