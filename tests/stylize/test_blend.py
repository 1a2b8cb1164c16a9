import pytest
import torch

from ganstyle.stylize.blend import blend_octaves


def pair(height: int = 64, width: int = 96) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    photo, painting = torch.rand(2, 1, 3, height, width, generator=generator)
    return photo, painting


def test_strength_ends_are_exact() -> None:
    photo, painting = pair()
    assert torch.equal(blend_octaves(photo, painting, 0.0), photo)
    assert torch.equal(blend_octaves(photo, painting, 1.0), painting)
    torch.testing.assert_close(blend_octaves(photo, painting, 1 - 1e-6), painting, atol=1e-5, rtol=0)
    torch.testing.assert_close(blend_octaves(photo, painting, 1 + 1e-6), painting, atol=1e-5, rtol=0)
    assert (blend_octaves(photo, painting, 1e-8) - photo).abs().max() < 1e-3


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (2, 3), (7, 5), (33, 130)])
@pytest.mark.parametrize("strength", [0.3, 1.5])
def test_strength_blend_of_any_size_stays_in_range(size: tuple[int, int], strength: float) -> None:
    photo, painting = pair(*size)
    result = blend_octaves(photo, painting, strength)
    assert result.shape == photo.shape
    assert result.isfinite().all()
    assert result.min() >= 0
    assert result.max() <= 1


def test_flat_colors_follow_the_strength_and_stop_at_one() -> None:
    photo, painting = torch.full((1, 3, 64, 64), 0.2), torch.full((1, 3, 64, 64), 0.6)
    torch.testing.assert_close(blend_octaves(photo, painting, 0.25), torch.full_like(photo, 0.3))
    torch.testing.assert_close(blend_octaves(photo, painting, 1.5), painting)


def test_strokes_outlast_colors_and_are_amplified() -> None:
    """One stroke a pixel wide on each pair of columns has no coarse part at all."""
    photo = torch.full((1, 3, 64, 64), 0.5)
    stripes = torch.tensor([0.1, -0.1]).repeat(32).expand(1, 3, 64, 64)
    for strength, share in ((0.25, 0.5), (1.5, 1.5)):
        result = blend_octaves(photo, photo + stripes, strength)
        torch.testing.assert_close(
            result[..., 16:48, 16:48], (photo + share * stripes)[..., 16:48, 16:48], atol=1e-3, rtol=0
        )


def test_distance_from_the_photo_grows_with_strength() -> None:
    photo, painting = pair()
    distances = [float((blend_octaves(photo, painting, n / 10) - photo).abs().mean()) for n in range(16)]
    assert distances == sorted(distances)
