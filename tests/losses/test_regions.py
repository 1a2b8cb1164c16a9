from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.func import jvp

from ganstyle.errors import ImageError
from ganstyle.losses import gram_matrix, style_loss
from ganstyle.losses.regions import (
    MAX_REGIONS,
    check_same_regions,
    read_regions,
    region_grams,
    region_style_loss,
)

WEIGHTS = {"shallow": 1.0, "deep": 3.0}


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def maps(seed: int, batch: int = 1) -> dict[str, Tensor]:
    return {"shallow": random(batch, 4, 12, 10, seed=seed), "deep": random(batch, 6, 6, 5, seed=seed + 100)}


def halves(height: int = 12, width: int = 10) -> Tensor:
    """Two regions, the left 4 columns in 10 and the rest."""
    left = (torch.arange(width) < 0.4 * width).expand(height, width).double()
    return torch.stack([left, 1 - left]).unsqueeze(1)


def paint(path: Path, rows: list[list[tuple[int, int, int]]], times: int = 1) -> Path:
    pixels = np.array(rows, dtype=np.uint8).repeat(times, 0).repeat(times, 1)
    Image.fromarray(pixels).save(path)
    return path


# --- read_regions


RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 128, 0)


def test_colors_become_regions(tmp_path: Path) -> None:
    path = paint(tmp_path / "mask.png", [[RED, BLUE, BLUE], [RED, GREEN, BLUE]])
    regions = read_regions(path, (2, 3))
    assert regions.name == str(path)
    assert list(regions.labels) == ["#0000ff", "#008000", "#ff0000"]
    assert regions.masks.dtype == torch.float32
    expected = [[[0, 1, 1], [0, 0, 1]], [[0, 0, 0], [0, 1, 0]], [[1, 0, 0], [1, 0, 0]]]
    assert regions.masks[:, 0].tolist() == expected


def test_grays_become_regions(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 255], [254, 255]], dtype=np.uint8)).save(tmp_path / "mask.png")
    regions = read_regions(tmp_path / "mask.png", (2, 2))
    assert list(regions.labels) == ["#000000", "#fefefe", "#ffffff"]


def test_mask_of_another_size(tmp_path: Path) -> None:
    path = paint(tmp_path / "mask.png", [[RED, BLUE, BLUE]])
    with pytest.raises(ImageError, match=r"mask\.png.*1x3.*4x5.*same size") as caught:
        read_regions(path, (4, 5))
    assert "\n" not in str(caught.value)


def test_mask_of_one_region(tmp_path: Path) -> None:
    path = paint(tmp_path / "mask.png", [[RED, RED]])
    with pytest.raises(ImageError, match=r"mask\.png.*one color only.*leave the masks out"):
        read_regions(path, (1, 2))


def test_mask_that_was_blurred(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    Image.fromarray(np.arange(MAX_REGIONS + 1, dtype=np.uint8)[None]).save(path)
    with pytest.raises(ImageError, match=r"33 colors, more than 32 regions.*save it as PNG"):
        read_regions(path, (1, MAX_REGIONS + 1))


def test_mask_file_that_is_not_an_image(tmp_path: Path) -> None:
    (tmp_path / "mask.png").write_text("red")
    with pytest.raises(ImageError, match=r"mask\.png"):
        read_regions(tmp_path / "mask.png", (1, 1))


def test_same_regions_in_any_arrangement(tmp_path: Path) -> None:
    one = read_regions(paint(tmp_path / "one.png", [[RED, BLUE]]), (1, 2))
    other = read_regions(paint(tmp_path / "other.png", [[BLUE], [RED], [RED]]), (3, 1))
    check_same_regions(one, [other, one])
    assert one.labels == other.labels  # so that the masks pair up by their order


@pytest.mark.parametrize("swap", [False, True])
def test_region_without_counterpart_is_reported(tmp_path: Path, swap: bool) -> None:
    two = read_regions(paint(tmp_path / "two.png", [[RED, BLUE]]), (1, 2))
    three = read_regions(paint(tmp_path / "three.png", [[RED, BLUE, GREEN]]), (1, 3))
    one, other = (three, two) if swap else (two, three)
    with pytest.raises(ImageError, match=r"two\.png: the mask lacks #008000 of .*three\.png"):
        check_same_regions(one, [one, other])


# --- region_grams


def test_regional_gram_by_hand() -> None:
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])  # two channels of 1x2 pixels
    masks = torch.tensor([[1.0, 0.0], [0.5, 1.0]]).view(2, 1, 1, 2)
    first = torch.tensor([[1.0, 3.0], [3.0, 9.0]]) / (2 * 1)
    second = torch.tensor([[0.5 + 4, 1.5 + 8], [1.5 + 8, 4.5 + 16]]) / (2 * 1.5)
    torch.testing.assert_close(region_grams(features, masks), torch.stack([first, second])[None])


def test_one_region_over_all_is_the_plain_gram() -> None:
    features = random(2, 5, 7, 6)
    result = region_grams(features, torch.ones(1, 1, 7, 6))
    torch.testing.assert_close(result[:, 0], gram_matrix(features))


def test_region_is_the_gram_of_a_crop() -> None:
    features = random(1, 4, 12, 10)
    result = region_grams(features, halves())
    torch.testing.assert_close(result[:, 0], gram_matrix(features[..., :4]))
    torch.testing.assert_close(result[:, 1], gram_matrix(features[..., 4:]))


def test_regions_add_up_to_the_whole() -> None:
    features = random(1, 4, 6, 5)
    masks = torch.rand(3, 1, 6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    masks = masks / masks.sum(0)
    areas = masks.mean((1, 2, 3))
    whole = torch.einsum("r,brij->bij", areas, region_grams(features, masks))
    torch.testing.assert_close(whole, gram_matrix(features))


def test_masks_are_averaged_down() -> None:
    features = random(1, 3, 2, 2)
    mask = torch.zeros(1, 1, 4, 4, dtype=torch.float64)
    mask[..., :1, :3] = 1  # two and one of the pixels above the first row's two
    expected = (
        0.5 * features[0, :, 0, 0].outer(features[0, :, 0, 0])
        + 0.25 * features[0, :, 0, 1].outer(features[0, :, 0, 1])
    ) / (3 * 0.75)
    torch.testing.assert_close(region_grams(features, mask)[0, 0], expected)


@pytest.mark.parametrize("size", [(5, 7), (3, 2), (1, 1)])
def test_a_single_pixel_reaches_every_layer(size: tuple[int, int]) -> None:
    mask = torch.zeros(1, 1, 43, 37)
    mask[..., 42, 36] = 1
    features = random(1, 3, *size)
    corner = features[0, :, -1, -1]
    torch.testing.assert_close(region_grams(features, mask)[0, 0], corner.outer(corner) / 3)


def test_empty_region_is_reported() -> None:
    masks = torch.stack([torch.ones(1, 4, 4), torch.zeros(1, 4, 4)])
    with pytest.raises(ImageError, match="region 2 of 2 covers no pixel"):
        region_grams(random(1, 2, 4, 4), masks)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_summed_in_float32(dtype: torch.dtype) -> None:
    features = (100 * random(1, 4, 64, 64)).to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = region_grams(features, torch.ones(1, 1, 64, 64))
    assert result.dtype == torch.float32
    torch.testing.assert_close(result[:, 0], gram_matrix(features.float()))


# --- region_style_loss


def test_one_region_over_all_is_the_plain_loss() -> None:
    picture, painting = maps(1, batch=2), maps(2)
    whole = torch.ones(1, 1, 12, 10, dtype=torch.float64)
    grams = {layer: region_grams(painting[layer], whole)[0] for layer in WEIGHTS}
    plain = {layer: gram_matrix(painting[layer])[0] for layer in WEIGHTS}
    torch.testing.assert_close(
        region_style_loss(picture, grams, whole, WEIGHTS), style_loss(picture, plain, WEIGHTS)
    )


def test_regions_count_by_their_area() -> None:
    picture, painting, masks = maps(3), maps(4), halves()
    grams = {layer: region_grams(painting[layer], masks)[0] for layer in WEIGHTS}

    def crop(features: dict[str, Tensor], left: bool) -> dict[str, Tensor]:
        return {
            k: f[..., : f.shape[-1] * 2 // 5] if left else f[..., f.shape[-1] * 2 // 5 :]
            for k, f in features.items()
        }

    parts = [
        style_loss(
            crop(picture, left), {k: gram_matrix(f)[0] for k, f in crop(painting, left).items()}, WEIGHTS
        )
        for left in (True, False)
    ]
    torch.testing.assert_close(
        region_style_loss(picture, grams, masks, WEIGHTS), 0.4 * parts[0] + 0.6 * parts[1]
    )


def test_swapped_regions_have_different_losses() -> None:
    """What plain Gram matrices are blind to: the same textures in the wrong places."""
    painting, masks = maps(5), halves()
    even = torch.stack([masks[0], masks[0].flip(-1)])  # the left and the right 4 columns
    painting = {
        layer: f * torch.linspace(0.5, 2, f.shape[-1], dtype=f.dtype) for layer, f in painting.items()
    }
    grams = {layer: region_grams(painting[layer], even)[0] for layer in WEIGHTS}
    mirrored = {layer: f.flip(-1) for layer, f in painting.items()}
    plain = {layer: gram_matrix(painting[layer])[0] for layer in WEIGHTS}
    assert region_style_loss(painting, grams, even, WEIGHTS) < 1e-12
    assert style_loss(mirrored, plain, WEIGHTS) < 1e-12
    assert region_style_loss(mirrored, grams, even, WEIGHTS) > 0.5


def test_mismatched_number_of_regions_is_refused() -> None:
    grams = {layer: torch.ones(3, 4, 4) for layer in WEIGHTS}
    with pytest.raises(ValueError, match="2 regions of the picture, 3 of the painting"):
        region_style_loss(maps(1), grams, halves(), WEIGHTS)


def test_gradient() -> None:
    masks = torch.rand(2, 1, 8, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    grams = {"only": random(2, 3, 3, seed=1)}

    def loss(features: Tensor) -> Tensor:
        return region_style_loss({"only": features}, grams, masks, {"only": 1.0})

    assert gradcheck(loss, random(2, 3, 4, 3).requires_grad_())
    assert gradgradcheck(loss, random(2, 3, 4, 3).requires_grad_())
    hard = torch.zeros(2, 1, 4, 3, dtype=torch.float64)
    hard[0, ..., :2], hard[1, ..., 2:] = 1, 1
    assert gradcheck(lambda features: region_grams(features, hard), random(1, 3, 4, 3).requires_grad_())


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:FutureWarning")  # torch's own
def test_derivative_along_a_direction() -> None:
    features, tangent, step = random(1, 3, 4, 5), random(1, 3, 4, 5, seed=1), 1e-6
    masks = halves(4, 5)
    expected = (
        region_grams(features + step * tangent, masks) - region_grams(features - step * tangent, masks)
    ) / (2 * step)
    slope = jvp(lambda features: region_grams(features, masks), (features,), (tangent,))[1]
    torch.testing.assert_close(slope, expected)


def test_no_gradient_outside_the_region() -> None:
    features = random(1, 3, 4, 4).requires_grad_()
    mask = torch.zeros(1, 1, 4, 4)
    mask[..., :2, :] = 1
    region_grams(features, mask).sum().backward()  # type: ignore[no-untyped-call]
    assert features.grad is not None
    assert (features.grad[..., 2:, :] == 0).all()
    assert (features.grad[..., :2, :] != 0).any()
