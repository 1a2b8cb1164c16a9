"""No picture has a frame: along the edges, contrast and saturation are those of the inside."""

from functools import cache
from itertools import product
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganstyle.images import read_image, resize
from ganstyle.models import GENERATORS
from ganstyle.style import load_style, shipped_styles
from ganstyle.stylize import stylize_image
from ganstyle.stylize.reflection import REFLECTED

_PHOTO = Path(__file__).parents[2] / "ganstyle" / "assets" / "astronaut.jpg"
_SIDE, _EDGE, _CUT = 320, 16, 64
_LOWEST, _HIGHEST = 0.85, 1.18


def edge_strength(picture: Tensor, reference: Tensor) -> dict[str, float]:
    """Compare the outer 16 pixels of pictures with their inside, relative to a reference; 1: no frame.

    Args:
        picture: (B, 3, H, W) in [0, 1].
        reference: of the same shape: what edge and inside are relative to.

    Returns:
        The ratios of ``contrast``, the root mean square of what is finer than 17 pixels, and ``saturation``,
        the mean difference between the largest and the smallest channel.
    """
    edge, inside = _strengths(picture) / _strengths(reference)
    contrast, saturation = (edge / inside).tolist()
    return {"contrast": contrast, "saturation": saturation}


def _strengths(image: Tensor) -> Tensor:
    """Return contrast and saturation (columns) at the edge and inside (rows)."""
    edge = torch.ones(image.shape[-2:], dtype=torch.bool)
    edge[_EDGE:-_EDGE, _EDGE:-_EDGE] = False
    gray = image.mean(1, keepdim=True)
    rows = F.avg_pool2d(F.pad(gray, (8, 8, 8, 8), mode="reflect"), (1, 17), 1)
    detail = (gray - F.avg_pool2d(rows, (17, 1), 1))[:, 0]
    saturation = image.amax(1) - image.amin(1)
    return torch.stack(
        [
            torch.stack([detail[:, where].square().mean().sqrt(), saturation[:, where].mean()])
            for where in (edge, ~edge)
        ]
    )


@cache
def photo() -> Tensor:
    """Return a photo; its four parts, each with its surroundings, fill it."""
    side = _SIDE + 2 * _CUT + _SIDE // 2
    return resize(read_image(_PHOTO), (side, side))


def parts(whole: Tensor) -> Tensor:
    """Return the same four parts of the photo or of its painting: one has few colors along its edge."""
    corners = product((_CUT, _CUT + _SIDE // 2), repeat=2)
    return torch.cat([whole[..., top : top + _SIDE, left : left + _SIDE] for top, left in corners])


@cache
def noise() -> Tensor:
    # Of flat bands as wide as the picture, four pictures differ by a third from the next four; sixteen, by a
    # seventh.
    return torch.rand(16, 3, 224, 224, generator=torch.Generator().manual_seed(0))


def edges(generator: nn.Module) -> dict[str, float]:
    """Measure edges on noise, and on parts of a photo against the same pixels painted within the photo."""

    def paint(image: Tensor) -> Tensor:
        return stylize_image(generator, image, trained_side=max(image.shape))  # in one pass

    painted_noise = torch.cat([paint(some) for some in noise().chunk(4)])
    on_noise = edge_strength(painted_noise, noise())
    on_photo = edge_strength(paint(parts(photo())), parts(paint(photo())))
    return {f"{name} on noise": value for name, value in on_noise.items()} | {
        f"{name} on photos": value for name, value in on_photo.items()
    }


def test_measure_by_hand() -> None:
    x = noise()
    gray = x.mean(1, keepdim=True)
    framed = x.clone()
    edge = torch.ones(x.shape[-2:], dtype=torch.bool)
    edge[_EDGE:-_EDGE, _EDGE:-_EDGE] = False
    framed[..., edge] = torch.lerp(gray, x, 0.5)[..., edge]
    measured = edge_strength(framed, x)
    assert measured["saturation"] == pytest.approx(0.5)
    assert measured["contrast"] == pytest.approx(1)
    assert edge_strength(x, x) == {"contrast": 1, "saturation": 1}


class Framing(nn.Module):
    """Paints a gray, blurred frame."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, x: Tensor) -> Tensor:
        inside, cut = torch.zeros(1, 1, *x.shape[-2:]), slice(self.width, -self.width)
        inside[..., cut, cut] = 1
        blurred = F.avg_pool2d(x, 5, 1, 2).mean(1, keepdim=True)
        return torch.where(inside > 0, x, torch.lerp(x, blurred, 0.5))


def test_measure_detects_a_frame() -> None:
    found = edges(Framing(REFLECTED + _EDGE))
    assert found["contrast on noise"] < _LOWEST
    assert max(found["saturation on noise"], found["saturation on photos"]) < _LOWEST
    assert all(value == pytest.approx(1) for value in edges(nn.Identity()).values())


def test_a_frame_is_cut_off() -> None:
    assert all(value == pytest.approx(1) for value in edges(Framing(REFLECTED)).values())


@pytest.mark.parametrize("name", GENERATORS)
def test_fresh_generators(name: str) -> None:
    torch.manual_seed(0)
    found = edges(GENERATORS[name](width=8).eval())
    assert all(_LOWEST < value < _HIGHEST for value in found.values()), found


@pytest.mark.parametrize("name", shipped_styles())
def test_shipped_styles(name: str) -> None:
    found = edges(load_style(name).generator)
    assert all(_LOWEST < value < _HIGHEST for value in found.values()), found
