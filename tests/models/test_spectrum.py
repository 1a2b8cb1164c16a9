"""No generator leaves a grid on its pictures: no peak in their spectrum at a period of 2, 4 or 8 pixels."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganstyle.models import GENERATORS
from ganstyle.style import load_style, shipped_styles

_SIDE, _MARGIN = 192, 32
_LEVEL = 1 / 255
_PERIODS = (2, 4, 8)
_PEAK = 3.0  # noise of any strength stays below: the mean of six against the largest of nine


def peak(image: Tensor, period: int) -> float:
    """Say how far a grid of this period stands out: its amplitude over that of the frequencies beside it.

    Looks at rows, columns and both at once, on either side along the same line through the spectrum, so
    that its usual fall toward fine detail does not count. One level of 8 bits is added below the line, as
    less is nothing.
    """
    inside = image[0, :, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    side = inside.shape[-1]
    window = torch.hann_window(side)
    window = window[:, None] * window
    spectrum = torch.fft.fft2((inside - inside.mean((1, 2), keepdim=True)) * window).abs()
    amplitudes = 2 * spectrum / window.sum()
    worst = 0.0
    for row, column in ((0, 1), (1, 0), (1, 1)):
        # The window spreads a frequency over its two neighbors.
        at = [_on_line(amplitudes, side // period + k, row, column) for k in (-1, 0, 1)]
        beside = [_on_line(amplitudes, side // period + k, row, column) for k in (-6, -5, -4, 4, 5, 6)]
        usual = torch.stack(beside).square().mean(0).sqrt()
        worst = max(worst, float((torch.stack(at).amax(0) / (usual + _LEVEL)).max()))
    return worst


def _on_line(amplitudes: Tensor, frequency: int, row: int, column: int) -> Tensor:
    side = amplitudes.shape[-1]
    return amplitudes[:, (row * frequency) % side, (column * frequency) % side]


def flat() -> Tensor:
    return torch.full((1, 3, _SIDE, _SIDE), 0.5)


def gradient() -> Tensor:
    """Return a photo that changes smoothly from corner to corner, in each channel otherwise."""
    corners = torch.tensor([[[0.1, 0.8], [0.3, 0.9]], [[0.9, 0.2], [0.5, 0.4]], [[0.3, 0.3], [0.9, 0.6]]])
    return F.interpolate(corners[None], (_SIDE, _SIDE), mode="bilinear", align_corners=True)


def fresh(name: str, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    model = GENERATORS[name](width=8).eval()
    for module in model.modules():
        if isinstance(module, nn.GroupNorm):  # else a flat map would be all zeros inside
            nn.init.normal_(module.bias)
    return model


@pytest.mark.parametrize("period", _PERIODS)
def test_measure_detects_a_grid_of_three_levels(period: int) -> None:
    photo = gradient()
    assert peak(photo, period) < 1
    x = torch.arange(_SIDE) * (2 * torch.pi / period)
    assert peak(photo + 4 * _LEVEL * torch.cos(x), period) > _PEAK
    noise = 0.1 * torch.randn(photo.shape, generator=torch.Generator().manual_seed(0))
    assert peak(photo + noise, period) < _PEAK


def test_measure_detects_transposed_convolution() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.ConvTranspose2d(16, 3, 3, 2, 1, 1))
    with torch.no_grad():
        assert peak(model(flat()), 2) > 2 * _PEAK


@pytest.mark.parametrize("period", _PERIODS)
@pytest.mark.parametrize("photo", [flat(), gradient()], ids=["flat", "gradient"])
@pytest.mark.parametrize("name", GENERATORS)
def test_fresh_generators(name: str, photo: Tensor, period: int) -> None:
    for seed in range(3):
        with torch.no_grad():
            assert peak(fresh(name, seed)(photo), period) < _PEAK


@pytest.mark.parametrize("photo", [flat(), gradient()], ids=["flat", "gradient"])
@pytest.mark.parametrize("name", shipped_styles())
def test_shipped_styles(name: str, photo: Tensor) -> None:
    picture = load_style(name)(photo)
    peaks = {period: peak(picture, period) for period in _PERIODS}
    assert max(peaks.values()) < _PEAK, peaks
