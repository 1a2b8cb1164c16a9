"""Enlarging a part of an image, without the rest of the enlarged image."""

from collections.abc import Callable

import torch
from torch import Tensor

_A = -0.75  # as `torch.nn.functional.interpolate` has it
_COLUMNS = 256  # that are enlarged at a time


def enlarge_part(
    read: Callable[[slice, slice], Tensor],
    size: tuple[int, int],
    target: tuple[int, int],
    rows: slice,
    columns: slice,
) -> Tensor:
    """Return a part of what ``interpolate(image, target, mode="bicubic", align_corners=False)`` would return.

    Args:
        read: returns rows and columns of the image, (B, C, h, w).
        size: the image's height and width.
        target: those of the enlarged image.
        rows: which of its rows are wanted.
        columns: which of its columns are wanted.

    Returns:
        (B, C, rows, columns).
    """
    taken_rows, down = _weights(size[0], target[0], rows)
    enlarged = []
    for start in range(columns.start, columns.stop, _COLUMNS):
        some = slice(start, min(start + _COLUMNS, columns.stop))
        taken_columns, across = _weights(size[1], target[1], some)
        enlarged.append(down @ (read(taken_rows, taken_columns) @ across.T))
    return torch.cat(enlarged, -1)


def _weights(size: int, target: int, wanted: slice) -> tuple[slice, Tensor]:
    """Return the pixels along one side that are needed, and the weight of each in each result.

    The weights are (results, pixels), four of them not 0 in each row: more to compute than four products, but
    three times as fast.
    """
    places = (torch.arange(wanted.start, wanted.stop, dtype=torch.float64) + 0.5) * size / target - 0.5
    whole = places.floor()
    taps = (whole.long() + torch.arange(-1, 3)[:, None]).clamp(0, size - 1)
    distances = (places - whole - torch.arange(-1, 3)[:, None]).abs()
    near = ((_A + 2) * distances - (_A + 3)) * distances**2 + 1
    far = ((_A * distances - 5 * _A) * distances + 8 * _A) * distances - 4 * _A
    first, last = int(taps.min()), int(taps.max())
    weights = torch.zeros(places.numel(), last + 1 - first, dtype=torch.float64)
    weights.scatter_add_(1, (taps - first).T, torch.where(distances <= 1, near, far).T)
    return slice(first, last + 1), weights.float()
