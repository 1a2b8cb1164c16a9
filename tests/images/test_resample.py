import pytest
import torch
from torch.nn.functional import interpolate

from ganstyle.images.resample import enlarge_part


@pytest.mark.parametrize(("size", "target"), [((5, 7), (50, 63)), ((1, 1), (4, 9)), ((40, 30), (41, 100))])
def test_resampled_part_equals_part_of_whole(size: tuple[int, int], target: tuple[int, int]) -> None:
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    whole = interpolate(image, target, mode="bicubic", align_corners=False)
    height, width = target
    for rows in (slice(0, height), slice(0, 1), slice(height // 2, height)):
        for columns in (slice(0, width), slice(width - 1, width), slice(1, width // 2)):
            read: list[torch.Size] = []

            def part(r: slice, c: slice, read: list[torch.Size] = read) -> torch.Tensor:
                read.append(image[..., r, c].shape)
                return image[..., r, c]

            enlarged = enlarge_part(part, size, target, rows, columns)
            torch.testing.assert_close(enlarged, whole[..., rows, columns], atol=1e-5, rtol=1e-5)
            assert read[0][-2] <= (rows.stop - rows.start) * size[0] / height + 5
