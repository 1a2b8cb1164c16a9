import pytest
import torch
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.images import resize_shorter
from ganstyle.stylize import Controls, parse_stroke_size, stylize_image
from ganstyle.stylize.reflection import REFLECTED
from ganstyle.stylize.strokes import paint_coarse_to_fine, pass_sides


@pytest.mark.parametrize(
    ("shorter", "stroke_size", "expected"),
    [
        (384, 1, [384]),
        (100, 1, [100]),
        (470, 1, [470]),
        (1152, 1, [384, 1152]),
        (3456, 1, [384, 1152, 3456]),
        (768, 2, [192, 768 // 2, 768]),
        (4000, 0, [4000]),
        (768, 0.5, [768]),
        (1, 4, [1]),
    ],
)
def test_pass_sides(shorter: int, stroke_size: float, expected: list[int]) -> None:
    assert pass_sides(shorter, stroke_size) == expected


@pytest.mark.parametrize("shorter", [385, 500, 1000, 2667, 3000, 16384])
def test_pass_sides_grow_and_cost_little(shorter: int) -> None:
    sides = pass_sides(shorter, 1)
    assert sides == sorted(set(sides))
    assert sides[-1] == shorter
    assert sum((side / shorter) ** 2 for side in sides[:-1]) < 0.65
    assert sum((side / 16384) ** 2 for side in pass_sides(16384, 1)) < 1.5


def image(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def test_single_pass_equals_the_generator() -> None:
    photo = image(40, 50)
    assert torch.equal(paint_coarse_to_fine(lambda x: 1 - x, photo, [40]), 1 - photo)


def test_identity_generator_returns_the_photo() -> None:
    photo = image(96, 128)
    painted = paint_coarse_to_fine(lambda x: x, photo, [12, 32, 96])
    torch.testing.assert_close(painted, photo, atol=0.01, rtol=0)


def test_large_forms_are_those_of_the_small_painting() -> None:
    """A painting whose marks are 4 pixels wide at every size: only enlarging makes them large."""

    def paint(x: Tensor) -> Tensor:
        columns = torch.arange(x.shape[-1]) // 4 % 2
        return (x * 0.2 + columns * 0.6).clamp(0, 1)

    photo = torch.full((1, 3, 256, 256), 0.5)
    small = paint(resize_shorter(photo, 32))
    once, often = paint(photo), paint_coarse_to_fine(paint, photo, [32, 90, 256])
    missed = (resize_shorter(once, 32) - small).abs().mean()
    assert (resize_shorter(often, 32) - small).abs().mean() < missed / 3


def test_stylize_image_paints_large_photos_coarse_to_fine() -> None:
    sides: list[int] = []

    class Watched(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            sides.append(min(x.shape[-2:]))
            return 1 - x

    stylize_image(Watched(), image(90, 120), trained_side=30)
    stylize_image(Watched(), image(90, 120), Controls(stroke_size=0), trained_side=30)
    assert [side - 2 * REFLECTED for side in sides[1:]] == [90, 90]
    assert sides[0] == 30 + 2 * 29


def test_strength_color_and_mask_apply_to_the_whole_picture() -> None:
    photo = image(90, 120)
    mask = torch.zeros(1, 1, 90, 120)
    mask[..., :60] = 1
    result = stylize_image(Invert(), photo, Controls(preserve_color=True, mask=mask), trained_side=30)
    assert torch.equal(result[..., 60:], photo[..., 60:])
    assert not torch.allclose(result[..., :60], photo[..., :60], atol=0.1)
    assert torch.equal(stylize_image(Invert(), photo, Controls(strength=0), trained_side=30), photo)


class Invert(torch.nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 1 - x


@pytest.mark.parametrize("stroke_size", [-1, 4.1, float("nan")])
def test_stroke_size_out_of_range(stroke_size: float) -> None:
    with pytest.raises(GanstyleError, match="stroke size"):
        Controls(stroke_size=stroke_size)


def test_parse_stroke_size() -> None:
    assert (parse_stroke_size("1.5"), parse_stroke_size("fine")) == (1.5, 0.0)
    with pytest.raises(GanstyleError, match=r"stroke size 'bold': give a number such as 1\.5, or fine"):
        parse_stroke_size("bold")
