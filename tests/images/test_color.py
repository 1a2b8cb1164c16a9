from itertools import pairwise

import numpy as np
import pytest
import torch
from kornia.color import rgb_to_yuv
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.images.color import (
    COLOR_METHODS,
    color_map,
    luminance,
    luminance_only,
    match_color,
    match_luminance,
    with_luminance,
)


def random(*shape: int, seed: int = 0, low: float = 0.0, high: float = 1.0) -> Tensor:
    unit = torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return low + (high - low) * unit


def statistics(image: Tensor) -> tuple[np.ndarray, np.ndarray]:
    colors = image.flatten(1).numpy()
    return colors.mean(1), np.cov(colors, bias=True)


def colored(seed: int) -> Tensor:
    """An image whose channels depend on each other, far from the ends of the range."""
    mixing = random(3, 3, seed=seed, low=-0.1, high=0.1)
    return 0.5 + (mixing @ random(3, 20 * 30, seed=seed + 50, low=-1)).view(1, 3, 20, 30)


# --- luminance


def test_luminance_by_hand() -> None:
    image = torch.tensor([0.2, 0.5, 0.9]).view(1, 3, 1, 1)
    expected = 0.299 * 0.2 + 0.587 * 0.5 + 0.114 * 0.9
    torch.testing.assert_close(luminance(image), torch.full((1, 1, 1, 1), expected))


def test_chroma_is_kept_to_the_last_digit() -> None:
    photo = random(2, 3, 8, 9, seed=1, low=0.4, high=0.6)  # so that no color leaves the range
    picture = random(2, 3, 8, 9, seed=2, low=0.3, high=0.7)
    result = luminance_only(picture, photo)
    torch.testing.assert_close(luminance(result), luminance(picture), rtol=0, atol=1e-12)
    for one, other in pairwise((0, 1, 2, 0)):  # differences of channels hold all of chroma
        torch.testing.assert_close(
            result[:, one] - result[:, other], photo[:, one] - photo[:, other], rtol=0, atol=1e-12
        )
    torch.testing.assert_close(rgb_to_yuv(result)[:, 1:], rgb_to_yuv(photo)[:, 1:], rtol=0, atol=1e-12)


def test_colors_out_of_range_keep_luminance_and_hue() -> None:
    photo, picture = random(1, 3, 40, 40, seed=3), random(1, 3, 40, 40, seed=4).round()
    result = luminance_only(picture, photo)
    assert result.min() >= 0
    assert result.max() <= 1
    torch.testing.assert_close(luminance(result), luminance(picture), rtol=0, atol=1e-12)
    had, has = rgb_to_yuv(photo)[:, 1:], rgb_to_yuv(result)[:, 1:]
    cross = had[:, 0] * has[:, 1] - had[:, 1] * has[:, 0]
    torch.testing.assert_close(cross, torch.zeros_like(cross), rtol=0, atol=1e-12)
    assert ((had * has).sum(1) >= 0).all()
    assert (has.norm(dim=1) <= had.norm(dim=1) + 1e-12).all()
    fits = ((picture.mean(1) > 0) & (picture.mean(1) < 1)).sum()
    assert 0 < fits < 1600  # both cases were met


def test_no_more_chroma_is_lost_than_needed() -> None:
    red = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64).view(1, 3, 1, 1)
    result = with_luminance(red, torch.full((1, 1, 1, 1), 0.5, dtype=torch.float64))
    # chroma (0.701, −0.299, −0.299) has room for 0.5 of red
    factor = 0.5 / 0.701
    expected = torch.tensor([1.0, 0.5 - factor * 0.299, 0.5 - factor * 0.299], dtype=torch.float64)
    torch.testing.assert_close(result.flatten(), expected)


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_black_and_white_have_no_color(level: float) -> None:
    result = with_luminance(random(1, 3, 4, 4), torch.full((1, 1, 4, 4), level, dtype=torch.float64))
    torch.testing.assert_close(result, torch.full_like(result, level))


def test_gray_photo_gives_gray_result() -> None:
    picture = random(1, 3, 5, 5)
    result = luminance_only(picture, random(1, 1, 5, 5, seed=1).expand(1, 3, 5, 5))
    torch.testing.assert_close(result, luminance(picture).expand(1, 3, 5, 5))


def test_own_luminance_changes_nothing() -> None:
    image = random(2, 3, 6, 7).float()
    torch.testing.assert_close(luminance_only(image, image), image, rtol=0, atol=1e-6)


def test_one_photo_for_a_batch() -> None:
    pictures, photo = random(3, 3, 4, 5), random(1, 3, 4, 5, seed=1)
    expected = torch.cat([luminance_only(picture, photo) for picture in torch.split(pictures, 1)])
    torch.testing.assert_close(luminance_only(pictures, photo), expected)


def test_mismatched_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in size"):
        luminance_only(random(1, 3, 4, 5), random(1, 3, 5, 4))


def test_match_luminance() -> None:
    image, reference = random(2, 3, 9, 8, low=0.4, high=0.6), random(1, 3, 5, 7, seed=1, low=0.3, high=0.7)
    result = match_luminance(image, reference)
    wanted = luminance(reference)
    for item in luminance(result):
        torch.testing.assert_close(item.mean(), wanted.mean())
        torch.testing.assert_close(item.std(correction=0), wanted.std(correction=0))
    torch.testing.assert_close(result[:, 0] - result[:, 1], image[:, 0] - image[:, 1])


def test_flat_luminance_stays_flat() -> None:
    flat, reference = torch.full((1, 3, 4, 4), 0.3), random(1, 3, 4, 4).float()
    result = match_luminance(flat, reference)
    torch.testing.assert_close(result, luminance(reference).mean().expand(1, 3, 4, 4))


# --- match_color


def test_coral_matches_mean_and_covariance() -> None:
    image, reference = colored(1), colored(2)[..., :17]
    result = match_color(image, reference, "coral")
    assert 0 < result.min() < result.max() < 1  # nothing was clipped
    mean, covariance = statistics(result[0])
    wanted_mean, wanted_covariance = statistics(reference[0])
    np.testing.assert_allclose(mean, wanted_mean, rtol=1e-9)
    np.testing.assert_allclose(covariance, wanted_covariance, rtol=1e-6, atol=1e-9)


def test_channel_matches_mean_and_variance_of_each() -> None:
    image, reference = colored(3), colored(4)
    result = match_color(image, reference, "channel")
    mean, covariance = statistics(result[0])
    wanted_mean, wanted_covariance = statistics(reference[0])
    np.testing.assert_allclose(mean, wanted_mean, rtol=1e-9)
    np.testing.assert_allclose(np.diag(covariance), np.diag(wanted_covariance), rtol=1e-9)
    np.testing.assert_allclose(np.corrcoef(result[0].flatten(1)), np.corrcoef(image[0].flatten(1)), rtol=1e-9)


@pytest.mark.parametrize("method", list(COLOR_METHODS))
def test_own_colors_change_nothing(method: str) -> None:
    image = colored(5).float()
    torch.testing.assert_close(match_color(image, image, method), image, rtol=0, atol=1e-5)


@pytest.mark.parametrize("method", list(COLOR_METHODS))
def test_batch_is_matched_one_by_one(method: str) -> None:
    images, reference = torch.cat([colored(6), colored(7)]), colored(8)
    expected = torch.cat([match_color(image, reference, method) for image in torch.split(images, 1)])
    torch.testing.assert_close(match_color(images, reference, method), expected)


@pytest.mark.parametrize("method", list(COLOR_METHODS))
def test_flat_image_takes_the_mean(method: str) -> None:
    reference = random(1, 3, 6, 6)
    result = match_color(torch.full((1, 3, 4, 4), 0.25, dtype=torch.float64), reference, method)
    expected = reference.mean((-2, -1), keepdim=True).expand(1, 3, 4, 4)
    torch.testing.assert_close(result, expected)


def test_rounding_noise_of_a_gray_image_is_not_made_color() -> None:
    gray = random(1, 1, 32, 32, low=0.2, high=0.8).expand(1, 3, 32, 32)
    noisy = ((gray + random(1, 3, 32, 32, seed=1, low=-0.5, high=0.5) / 255) * 255).round() / 255
    reference = colored(9)
    matrix, _ = color_map(noisy, reference)
    # One level of noise becomes at most what one level would be stretched to.
    assert (
        torch.linalg.matrix_norm(matrix, 2).max()
        <= np.sqrt(np.linalg.eigvalsh(statistics(reference[0])[1])[-1]) * 255
    )


def test_result_is_in_range_and_of_the_same_type() -> None:
    image, reference = random(1, 3, 8, 8).float(), random(1, 3, 5, 5, seed=1).round().float()
    for method in COLOR_METHODS:
        result = match_color(image, reference, method)
        assert result.dtype == torch.float32
        assert result.shape == image.shape
        assert result.min() >= 0
        assert result.max() <= 1


def test_unknown_method() -> None:
    with pytest.raises(GanstyleError, match=r"'magic'.*channel or coral"):
        match_color(random(1, 3, 2, 2), random(1, 3, 2, 2), "magic")
