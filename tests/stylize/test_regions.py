import pytest
import torch

from ganstyle.stylize.regions import make_region, share_out, soften


@pytest.mark.parametrize("feather", [0, 0.5, 2, 50, 100])
@pytest.mark.parametrize("size", [(1, 1), (7, 300), (240, 320)])
def test_soft_masks_still_sum_to_one(feather: float, size: tuple[int, int]) -> None:
    mask = (torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    total = soften(mask, feather) + soften(1 - mask, feather)
    torch.testing.assert_close(total, torch.ones_like(total), atol=1e-4, rtol=0)


@pytest.mark.parametrize("scale", [1, 4], ids=["blurred", "reduced-first"])
def test_feather_width(scale: int) -> None:
    side = 200 * scale
    mask = torch.zeros(1, 1, side, side)
    mask[..., : side // 2] = 1
    row = make_region(mask, feather=10).fit((200, 200))[0, 0, 100]
    assert row[89] > 0.97  # 10 % of 200 pixels: from 90 to 110
    assert row[110] < 0.03
    assert 0.4 < row[99:101].mean() < 0.6


def test_zero_feather_keeps_the_mask() -> None:
    mask = torch.rand(1, 1, 9, 12)
    assert torch.equal(make_region(mask, feather=0).fit((9, 12)), mask)


def test_region_weights() -> None:
    a, b = torch.tensor([1.0, 1.0, 0.3, 0.0]), torch.tensor([1.0, 0.5, 0.2, 0.0])
    (first, second), rest = share_out([a, b])
    torch.testing.assert_close(first, torch.tensor([0.5, 1 / 1.5, 0.3, 0.0]))
    torch.testing.assert_close(second, torch.tensor([0.5, 0.5 / 1.5, 0.2, 0.0]))
    torch.testing.assert_close(rest, torch.tensor([0.0, 0.0, 0.5, 1.0]))
