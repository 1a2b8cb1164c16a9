import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ganstyle.metrics.similarity.pixels import squared_error, structural_similarity


def blur(x: Tensor) -> Tensor:
    """Average under an 11 x 11 Gaussian of deviation 1.5, inside the picture only."""
    axis = torch.arange(-5.0, 6.0, dtype=torch.float64)
    line = torch.exp(-(axis**2) / (2 * 1.5**2))
    window = torch.outer(line, line) / line.sum() ** 2
    return F.conv2d(x.transpose(0, 1), window[None, None]).transpose(0, 1)


def test_squared_error() -> None:
    a, b = torch.zeros(2, 3, 4, 5), torch.zeros(2, 3, 4, 5)
    b[1, :, 0, 0] = 0.5
    assert squared_error(a, b).tolist() == pytest.approx([0.0, 0.25 / 20])


def test_ssim_equals_wang_2004() -> None:
    torch.manual_seed(0)
    a = torch.rand(1, 3, 40, 50, dtype=torch.float64)
    b = (a + 0.2 * torch.randn_like(a)).clamp(0, 1)
    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    cov = blur(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    expected = ((2 * mean_a * mean_b + c1) * (2 * cov + c2)) / (
        (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    )
    # The borders, which the two treat differently, are a small part.
    assert structural_similarity(a, b).item() == pytest.approx(expected.mean().item(), abs=0.01)
    assert structural_similarity(a, a).item() == pytest.approx(1.0)
    assert structural_similarity(a[..., :6, :6], b[..., :6, :6]).shape == (1,)
