"""Stray color: what a picture adds where its photo is gray."""

import pytest
import torch
from torch import Tensor

from ganstyle.losses import stray_color

_SIDE = 96


def photo(*, color: bool) -> Tensor:
    """A gray photo, or one whose right half is green."""
    image = torch.full((1, 3, _SIDE, _SIDE), 0.5)
    if color:
        image[..., _SIDE // 2 :] = torch.tensor((0.1, 0.8, 0.2)).view(3, 1, 1)
    return image


def patch(image: Tensor, at: int, *, color: tuple[float, float, float] = (0.1, 0.7, 0.2)) -> Tensor:
    """The image with a patch of color, a sixth of its side."""
    painted, half = image.clone(), _SIDE // 12
    rows, columns = slice(_SIDE // 2 - half, _SIDE // 2 + half), slice(at - half, at + half)
    painted[..., rows, columns] = torch.tensor(color).view(3, 1, 1)
    return painted


def test_patch_on_gray_counts_and_on_color_does_not() -> None:
    on_gray = patch(photo(color=True), _SIDE // 4)
    on_green = patch(photo(color=True), 3 * _SIDE // 4)
    stray = stray_color(on_gray, photo(color=True))
    assert stray > 0.05
    assert stray_color(on_green, photo(color=True)) < 0.01 * stray


@pytest.mark.parametrize("gray", [0.0, 0.2, 0.9, 1.0])
def test_tones_are_free(gray: float) -> None:
    assert stray_color(patch(photo(color=False), 48, color=(gray,) * 3), photo(color=False)) == 0


def test_less_color_than_the_photo_is_free() -> None:
    assert stray_color(photo(color=False), photo(color=True)) == 0


def test_fine_colored_strokes_are_free() -> None:
    strokes = photo(color=False)
    strokes[:, 0, ::4] = 0.6
    strokes[:, 0, 2::4] = 0.4  # together they are gray
    assert stray_color(strokes, photo(color=False)) == 0


def test_the_size_of_a_patch_is_relative_to_the_picture() -> None:
    picture, plain = patch(photo(color=False), 48), photo(color=False)
    larger = [image.repeat_interleave(2, 2).repeat_interleave(2, 3) for image in (picture, plain)]
    assert stray_color(*larger) == pytest.approx(float(stray_color(picture, plain)), rel=0.05)


def test_each_picture_alone() -> None:
    pictures = torch.cat([patch(photo(color=False), 48), photo(color=False)])
    assert (stray_color(pictures, photo(color=False).repeat(2, 1, 1, 1)) > 0).tolist() == [True, False]


@pytest.mark.parametrize("size", [(1, 1), (2, 30), (5, 4)])
def test_tiny_pictures(size: tuple[int, int]) -> None:
    picture = torch.rand(1, 3, *size).requires_grad_()
    stray = stray_color(picture, torch.full((1, 3, *size), 0.5))
    stray.sum().backward()  # type: ignore[no-untyped-call]
    assert stray.isfinite().all()
    assert picture.grad is not None
    assert picture.grad.isfinite().all()
