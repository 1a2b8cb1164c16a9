"""The Gram matrix: which feature channels light up together, wherever they do."""

import torch
from torch import Tensor


def gram_matrix(features: Tensor) -> Tensor:
    """Correlate the channels of a feature map with each other.

    ``G[i, j] = Σ_hw F[i, h, w] · F[j, h, w] / (C·H·W)``, as Johnson et al. 2016, equation 3 has it
    (Gatys et al. 2015 leave the sum as it is). The position of a texture drops out; its statistics stay.

    The product is always taken in float32 or better, also under autocast: sums over a whole picture
    overflow float16 and lose most of their digits in bfloat16.

    Args:
        features: a feature map, shape (B, C, H, W), any floating-point type.

    Returns:
        Shape (B, C, C), float32 (float64 for float64 features).
    """
    channels, height, width = features.shape[-3:]
    with torch.autocast(features.device.type, enabled=False):
        exact = features.to(torch.promote_types(features.dtype, torch.float32)).flatten(-2)
        return exact @ exact.mT / (channels * height * width)
