from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

import ganstyle
from ganstyle.errors import GanstyleError, ImageError
from ganstyle.images import write_image
from ganstyle.models import GENERATORS
from ganstyle.style import Style


@pytest.fixture
def photo() -> Tensor:
    return torch.rand(1, 3, 40, 60, generator=torch.Generator().manual_seed(0))


def left(share: float = 0.5, height: int = 40, width: int = 60) -> Tensor:
    """A mask of the left part."""
    mask = torch.zeros(1, 1, height, width)
    mask[..., : round(width * share)] = 1
    return mask


def test_blend_is_the_weighted_mean_of_the_pictures(photo: Tensor, night: Style, wave: Style) -> None:
    expected = 0.6 * night(photo) + 0.4 * wave(photo)
    torch.testing.assert_close(ganstyle.blend({"starry_night": 0.6, "wave": 0.4})(photo), expected)
    torch.testing.assert_close(ganstyle.blend([(night, 3), (wave, 2)])(photo), expected)


def test_blend_of_a_photo_that_is_painted_coarse_to_fine_and_in_tiles(night: Style, wave: Style) -> None:
    photo = torch.rand(1, 3, 230, 180, generator=torch.Generator().manual_seed(1))
    result = ganstyle.blend([(night, 1), (wave, 1)])(photo, tile=128, stroke_size=3.0)
    expected = (night(photo, tile="off", stroke_size=3.0) + wave(photo, tile="off", stroke_size=3.0)) / 2
    torch.testing.assert_close(result, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    "controls",
    [{"strength": 0.6}, {"strength": 0}, {"strength": 1.5, "stroke_size": 2.0}, {"stroke_size": 0}],
    ids=str,
)
def test_blend_follows_strength_and_stroke_size(
    photo: Tensor, night: Style, wave: Style, controls: dict[str, Any]
) -> None:
    result = ganstyle.blend([(night, 0.3), (wave, 0.7)])(photo, **controls)
    torch.testing.assert_close(result, 0.3 * night(photo, **controls) + 0.7 * wave(photo, **controls))


def test_blend_keeps_colors_and_takes_a_mask(photo: Tensor, night: Style, wave: Style) -> None:
    both = ganstyle.blend([(night, 1), (wave, 1)])
    result = both(photo, preserve_color=True, mask=left())
    torch.testing.assert_close(result[..., 30:], photo[..., 30:])
    chroma = photo - photo.mean(1, keepdim=True)
    assert (result[..., :30] - both(photo)[..., :30]).abs().mean() > 0.01
    assert (
        torch.corrcoef(torch.stack([chroma.flatten(), (result - result.mean(1, keepdim=True)).flatten()]))[
            0, 1
        ]
        > 0.8
    )


def test_blend_of_one_style_is_that_style(photo: Tensor, wave: Style) -> None:
    assert torch.equal(ganstyle.blend({"wave": 7})(photo), wave(photo))


def test_blend_of_blends(photo: Tensor, night: Style, wave: Style) -> None:
    inner = ganstyle.blend([(night, 1), (wave, 1)])
    result = ganstyle.blend([(inner, 1), (wave, 1)])(photo)
    torch.testing.assert_close(result, 0.25 * night(photo) + 0.75 * wave(photo))


def test_blend_with_a_style_without_strength(photo: Tensor, wave: Style) -> None:
    torch.manual_seed(0)
    plain = replace(wave, generator=GENERATORS["resnet"](width=4, blocks=1).eval())
    result = ganstyle.blend([(plain, 1), (wave, 1)])(photo, strength=0.5)
    torch.testing.assert_close(result, (plain(photo, 0.5) + wave(photo, 0.5)) / 2)


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf")])
def test_blend_refuses_weights_that_are_not_positive(weight: float, wave: Style) -> None:
    with pytest.raises(GanstyleError, match=r"weight .* of wave: give a number above 0"):
        ganstyle.blend([("starry_night", 1), (wave, weight)])


def test_blend_of_huge_and_tiny_weights(photo: Tensor, wave: Style) -> None:
    result = ganstyle.blend([(wave, 1.7e308), (wave, 1.7e308), ("starry_night", 1e-320)])(photo)
    torch.testing.assert_close(result, wave(photo))


def test_empty_blend_or_regions_are_refused() -> None:
    with pytest.raises(GanstyleError, match="no style to blend"):
        ganstyle.blend({})
    with pytest.raises(GanstyleError, match="no region"):
        ganstyle.regions({})


def test_blend_of_an_unknown_style(tmp_path: Path) -> None:
    with pytest.raises(GanstyleError, match="neither a file nor a shipped style"):
        ganstyle.blend({"nothing": 1, "wave": 1})
    with pytest.raises(GanstyleError, match="neither a file nor a shipped style"):
        ganstyle.regions([(left(), "nothing")])


def test_regions_with_hard_edges(photo: Tensor, night: Style, wave: Style) -> None:
    result = ganstyle.regions([(left(), night), (1 - left(), wave)], feather=0)(photo)
    torch.testing.assert_close(result[..., :30], night(photo)[..., :30])
    torch.testing.assert_close(result[..., 30:], wave(photo)[..., 30:])


def test_outside_all_regions_is_the_photo_or_base_style(photo: Tensor, night: Style, wave: Style) -> None:
    result = ganstyle.regions([(left(), night)], feather=0)(photo)
    assert torch.equal(result[..., 30:], photo[..., 30:])
    result = ganstyle.regions([(left(), night)], base=wave, feather=0)(photo)
    torch.testing.assert_close(result[..., 30:], wave(photo)[..., 30:])
    torch.testing.assert_close(result[..., :30], night(photo)[..., :30])


def test_overlapping_regions_are_averaged(photo: Tensor, night: Style, wave: Style) -> None:
    result = ganstyle.regions([(left(1.0), night), (left(), wave)], feather=0)(photo)
    torch.testing.assert_close(result[..., :30], (night(photo) + wave(photo))[..., :30] / 2)
    torch.testing.assert_close(result[..., 30:], night(photo)[..., 30:])


def test_gray_region_masks_are_weights(photo: Tensor, night: Style) -> None:
    result = ganstyle.regions([(0.25 * left(1.0), night)], feather=0)(photo)
    torch.testing.assert_close(result, torch.lerp(photo, night(photo), 0.25))


def test_region_edges_are_soft_without_gaps(photo: Tensor, night: Style) -> None:
    both = ganstyle.regions([(left(), night), (1 - left(), night)], feather=30)
    torch.testing.assert_close(both(photo), night(photo), atol=1e-5, rtol=0)
    one = ganstyle.regions([(left(), night)], feather=30)
    share = (one(photo) - photo).abs().mean((0, 1, 2)) / (night(photo) - photo).abs().mean((0, 1, 2))
    assert (share.diff() < 1e-3).all()
    assert 0.3 < share[29:31].mean() < 0.7
    assert share[20] > 0.9
    assert share[39] < 0.1


def test_region_mask_is_resized(photo: Tensor, night: Style) -> None:
    small = ganstyle.regions([(left(0.5, 20, 30), night)])(photo)
    large = ganstyle.regions([(left(0.5, 400, 600), night)])(photo)
    torch.testing.assert_close(small, large, atol=0.1, rtol=0)


def test_regions_with_strength_colors_and_a_mask(photo: Tensor, night: Style, wave: Style) -> None:
    painter = ganstyle.regions([(left(), night)], base=wave, feather=0)
    result = painter(photo, strength=0.5, mask=left(0.25))
    torch.testing.assert_close(result[..., :15], night(photo, 0.5)[..., :15])
    assert torch.equal(result[..., 15:], photo[..., 15:])
    gray = painter(photo, preserve_color=True)
    torch.testing.assert_close(gray[..., :30], night(photo, preserve_color=True)[..., :30])
    assert torch.equal(painter(photo, strength=0), photo)


def test_blend_as_region_and_as_base(photo: Tensor, night: Style, wave: Style) -> None:
    both = ganstyle.blend([(night, 1), (wave, 3)])
    result = ganstyle.regions([(left(), wave)], base=both, feather=0)(photo)
    torch.testing.assert_close(result[..., :30], wave(photo)[..., :30])
    torch.testing.assert_close(result[..., 30:], both(photo)[..., 30:])
    result = ganstyle.regions([(left(), both)], feather=0)(photo)
    torch.testing.assert_close(result[..., :30], both(photo)[..., :30])


def test_region_masks_from_files_and_pillow(photo: Tensor, night: Style, tmp_path: Path) -> None:
    write_image(left().expand(-1, 3, -1, -1), tmp_path / "left.png")
    expected = ganstyle.regions([(left(), night)])(photo)
    torch.testing.assert_close(ganstyle.regions({str(tmp_path / "left.png"): night})(photo), expected)
    with Image.open(tmp_path / "left.png") as mask:
        torch.testing.assert_close(ganstyle.regions([(mask, night)])(photo), expected)
    picture = ganstyle.regions({tmp_path / "left.png": "starry_night"})(Image.new("RGB", (60, 40)))
    assert picture.size == (60, 40)


def test_regions_batch(night: Style) -> None:
    photos = torch.rand(2, 3, 40, 60)
    painter = ganstyle.regions([(left(), night)])
    torch.testing.assert_close(painter(photos)[1:], painter(photos[1:]), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: ganstyle.regions([(0 * left(), "wave")]), "mask 1: is all black"),
        (lambda: ganstyle.regions([(left(), "wave")], feather=-1), "feather -1"),
        (lambda: ganstyle.regions([(left(), "wave")], feather=float("nan")), "feather nan"),
        (lambda: ganstyle.regions({"missing.png": "wave"}), r"missing\.png: no such file"),
        (
            lambda: ganstyle.blend([(ganstyle.regions([(left(), "wave")]), 1), ("wave", 1)]),
            "has regions, and so cannot be part of another",
        ),
        (
            lambda: ganstyle.regions([(left(), ganstyle.regions([(left(), "wave")]))]),
            "has regions, and so cannot be part of another",
        ),
    ],
    ids=["black", "feather", "nan", "missing", "blend", "nested"],
)
def test_invalid_combinations_are_refused(make: Callable[[], object], problem: str) -> None:
    with pytest.raises(GanstyleError, match=problem):
        make()


def test_region_mask_of_other_proportions_is_refused(photo: Tensor) -> None:
    painter = ganstyle.regions([(left(0.5, 50, 50), "wave")])
    for strength in (1, 0):
        with pytest.raises(ImageError, match="mask 1: the mask has 50x50 pixels and the photo 60x40"):
            painter(photo, strength=strength)
    with pytest.raises(ValueError, match="shape"):
        ganstyle.regions([(torch.rand(3, 3), "wave")])
