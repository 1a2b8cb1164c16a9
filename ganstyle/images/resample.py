"""Enlarging a part of an image, without the rest of the enlarged image."""

from collections.abc import Callable

import torch
from torch import Tensor

_A = -0.75  # as `torch.nn.functional.interpolate` has it


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
    first_row, rows_taken, row_weights = _taps(size[0], target[0], rows)
    first_column, columns_taken, column_weights = _taps(size[1], target[1], columns)
    part = read(
        slice(first_row, first_row + int(rows_taken.max()) + 1),
        slice(first_column, first_column + int(columns_taken.max()) + 1),
    )
    wide = sum(part[..., columns_taken[k]] * column_weights[k] for k in range(4))
    assert isinstance(wide, Tensor)
    tall = sum(wide[..., rows_taken[k], :] * row_weights[k][:, None] for k in range(4))
    assert isinstance(tall, Tensor)
    return tall


def _taps(size: int, target: int, wanted: slice) -> tuple[int, Tensor, Tensor]:
    """Return the first pixel that is needed, and the four taps, counted from it, and weights of each result.

    Both are (4, n).
    """
    places = (torch.arange(wanted.start, wanted.stop, dtype=torch.float64) + 0.5) * size / target - 0.5
    whole = places.floor()
    taps = (whole.long() + torch.arange(-1, 3)[:, None]).clamp(0, size - 1)
    distances = (places - whole - torch.arange(-1, 3)[:, None]).abs()
    near = ((_A + 2) * distances - (_A + 3)) * distances**2 + 1
    far = ((_A * distances - 5 * _A) * distances + 8 * _A) * distances - 4 * _A
    weights = torch.where(distances <= 1, near, far)
    first = int(taps.min())
    return first, taps - first, weights.float()
