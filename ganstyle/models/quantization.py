"""Weights in 16 bits, or 8: half the size, and painted photos that differ by at most about a level of 255.

Each row of a matrix or kernel (each output channel) becomes int16 with one float32 scale. Float16 would take
as much room and be less precise: its rounding shows as up to two levels in smooth areas, which instance norm
amplifies. Of the 16 bits, 11 or fewer are used, and low and high bytes lie apart, so that zip files, such as
wheels, shrink by a third: the high bytes are few different ones. Vectors, such as biases, are small and stay.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

_QUANTIZED = (torch.int16, torch.int8)
SCALE = ".scale"  # what a row scale is called, after its tensor's name


def quantize(tensors: Mapping[str, Tensor], bits: int = 11) -> dict[str, Tensor]:
    """Store matrices and kernels as integers, each with a scale for every row.

    Args:
        tensors: floating-point tensors by name; no name may be another one's with ``.scale`` appended.
        bits: of a number, 2 to 16. Eight or fewer are for where rows are long and what they give is not
            enlarged later.

    Returns:
        Vectors and scalars unchanged; each (N, …) of two dimensions or more as int8 of the same shape or,
        from nine bits on, as the low and high bytes of int16, (2, N, …) uint8; and (N,) float32 under its
        name with ``.scale`` appended.
    """
    dtype, largest = torch.int8 if bits <= 8 else torch.int16, 2 ** (bits - 1) - 1
    packed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.ndim < 2 or not tensor.is_floating_point():
            packed[name] = tensor
            continue
        scale = tensor.float().flatten(1).abs().amax(1) / largest
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
    scales = {name + SCALE for name, tensor in whole.items() if tensor.dtype in _QUANTIZED}
    return {
        name: tensor.float() * _per_row(whole[name + SCALE], tensor.ndim)
        if tensor.dtype in _QUANTIZED
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
