"""The Gram matrix: which feature channels light up together, wherever they do."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx


def gram_matrix(features: Tensor) -> Tensor:
    """Correlate the channels of a feature map with each other.

    ``G[i, j] = Σ_hw F[i, h, w] · F[j, h, w] / (C·H·W)``, as Johnson et al. 2016, equation 3 has it
    (Gatys et al. 2015 leave the sum as it is). The position of a texture drops out; its statistics stay.

    The product is always taken in float32 or better, also under autocast: sums over a whole picture
    overflow float16 and lose most of their digits in bfloat16. It can be differentiated to any order.

    Args:
        features: a feature map, shape (B, C, H, W), any floating-point type and memory format.

    Returns:
        Shape (B, C, C), float32 (float64 for float64 features).
    """
    channels, height, width = features.shape[-3:]
    with torch.autocast(features.device.type, enabled=False):
        product: Tensor = _SelfProduct.apply(features.flatten(-2))
        return product / (channels * height * width)


class _SelfProduct(torch.autograd.Function):
    """``F·Fᵀ`` of (B, C, N) with one product in its gradient, ``(g + gᵀ)·F``, where autograd takes two.

    What autograd adds up is as large as the feature map; the matrices added here are C x C. The gradient
    has F's memory format, so that nothing has to be reordered on its way back, and for bfloat16 features it
    is taken in bfloat16, to which it would be rounded anyhow. (float16 has too small a range for g.)
    """

    @staticmethod
    def forward(features: Tensor) -> Tensor:
        if features.is_cuda and features.dim() == 3 and features.dtype in (torch.bfloat16, torch.float16):
            # Products of halves are exact in float32, where CUDA adds them up: no need to convert the map.
            return torch.bmm(features, features.mT, out_dtype=torch.float32)
        exact = _exact(features)
        return exact @ exact.mT

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        features: Tensor = ctx.saved_tensors[0]
        with torch.autocast(features.device.type, enabled=False):
            factor = features if features.dtype == torch.bfloat16 else _exact(features)
            both = (gradient + gradient.mT).to(factor.dtype)
            result = (factor.mT @ both).mT if factor.mT.is_contiguous() else both @ factor
            return result.to(features.dtype)

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:
        half = _exact(ctx.saved_tensors[0]) @ _exact(tangent).mT
        return half + half.mT


def _exact(features: Tensor) -> Tensor:
    return features.to(torch.promote_types(features.dtype, torch.float32))
