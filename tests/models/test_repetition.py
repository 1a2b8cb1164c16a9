"""No generator repeats its marks: the autocorrelation of what it paints on flat areas has no lattice."""

from functools import cache

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from ganstyle.models import GENERATORS, LeanGenerator
from ganstyle.style import load_style, shipped_styles

_SIDE = 384
_MARGIN = 32
_NEAR, _FAR = 32, 96  # pixels: no brush stroke is longer than the first
_PERIODS = range(2, 17)
_LIMIT = 0.01  # paintings stay below 0.001


def repetition(picture: Tensor) -> float:
    """Return which share of a picture's texture is repeated all over it, at multiples of some period.

    Beyond the length of the longest stroke, the autocorrelation of a texture is zero on average. Marks that
    sit on a lattice add peaks at the multiples of its period, however irregular they are. (What repeats every
    16/3 pixels also repeats every 16.)

    Args:
        picture: (1, 3, H, W) in [0, 1].
    """
    autocorrelation = _autocorrelation(_texture(picture))
    far, *lattices = _lags()
    usual = autocorrelation[far].mean()
    return max(float(autocorrelation[lattice].mean() - usual) for lattice in lattices)


@cache
def _lags() -> list[Tensor]:
    """Return where lags are beyond the longest stroke, and which of those are multiples of each period."""
    lags = torch.arange(-_FAR, _FAR + 1)
    rows, columns = torch.meshgrid(lags, lags, indexing="ij")
    far = rows.square() + columns.square() >= _NEAR**2
    return [far, *(far & (rows % period == 0) & (columns % period == 0) for period in _PERIODS)]


def _texture(picture: Tensor) -> Tensor:
    """Return the inside's luminance, less its local mean, at the same contrast everywhere; (H, W)."""
    gray = picture.mean(1, keepdim=True)[..., _MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    gray = gray - _local_mean(gray, 25)
    return (gray / (_local_mean(gray.square(), 51).sqrt() + 0.01))[0, 0]


def _local_mean(x: Tensor, side: int) -> Tensor:
    padding = side // 2
    rows = F.avg_pool2d(F.pad(x, (padding,) * 4, mode="reflect"), (1, side), 1)
    return F.avg_pool2d(rows, (side, 1), 1)


def _autocorrelation(texture: Tensor) -> Tensor:
    """Return the autocorrelation, 1 at lag 0, at lags up to ``_FAR`` in the middle of the result's rows."""
    lags = torch.arange(-_FAR, _FAR + 1)
    mean = _products(texture) / _products(torch.ones_like(texture))
    correlated: Tensor = mean[lags[:, None], lags] / mean[0, 0]
    return correlated


def _products(x: Tensor) -> Tensor:
    """Return the sums of products of all pairs of pixels at each lag."""
    size = (2 * x.shape[0], 2 * x.shape[1])
    products: Tensor = torch.fft.irfft2(torch.fft.rfft2(x, size).abs().square(), size)
    return products


@cache
def noise(seed: int) -> Tensor:
    return torch.randn(1, 3, _SIDE, _SIDE, generator=torch.Generator().manual_seed(seed))


def flat() -> Tensor:
    """Return a gray wall, with a sensor's noise: without any, instance norm would paint nothing."""
    return 0.5 + 0.01 * noise(0)


def slope() -> Tensor:
    """Return a sky that is dark above and light below, with a sensor's noise."""
    height = torch.linspace(0, 1, _SIDE).view(1, 1, -1, 1)
    dark, light = torch.tensor([[0.35, 0.55, 0.85], [0.75, 0.80, 0.95]]).view(2, 1, 3, 1, 1)
    return torch.lerp(dark, light, height) + 0.01 * noise(1)


def strokes() -> Tensor:
    """Return irregular strokes in one direction: noise, blurred along it."""
    return F.avg_pool2d(F.pad(noise(2), (12, 12, 1, 1), mode="reflect"), (3, 25), 1)


def test_measure_ignores_noise_and_strokes() -> None:
    assert repetition(noise(3)) < _LIMIT / 4
    assert repetition(strokes()) < _LIMIT


@pytest.mark.parametrize("period", [4, 16 / 3, 8, 12])
def test_measure_detects_rows_of_faint_dots(period: float) -> None:
    rows = torch.arange(_SIDE)[:, None] * (2 * torch.pi / period)
    dots = rows.cos() * rows.T.cos()
    assert repetition(strokes() + 0.5 * strokes().std() * dots) > 2 * _LIMIT


@pytest.mark.parametrize("photo", [flat(), slope()], ids=["flat", "slope"])
@pytest.mark.parametrize("name", GENERATORS)
def test_fresh_generators(name: str, photo: Tensor) -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        assert repetition(GENERATORS[name](width=8).eval()(photo)) < _LIMIT


@pytest.mark.parametrize("name", shipped_styles())
def test_shipped_styles(name: str) -> None:
    generator = load_style(name).generator
    with torch.no_grad():
        found = {"flat": repetition(generator(flat())), "slope": repetition(generator(slope()))}
    assert max(found.values()) < _LIMIT, found


def test_antialiasing_removes_the_lattice_of_starry_night() -> None:
    style = load_style("starry_night")
    plain = LeanGenerator(**style.recipe.generator.options | {"antialias": False}).eval()
    plain.load_state_dict(style.generator.state_dict())
    with torch.no_grad():
        assert repetition(plain(flat())) > 2 * _LIMIT
        assert repetition(style.generator(flat())) < _LIMIT / 2
