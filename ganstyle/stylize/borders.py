"""Putting tiles of a map side by side: what each needs of its neighbors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from torch import Tensor

from ganstyle.models import pad_sides

Direction = tuple[int, int]
"""Where a neighbor lies: -1, 0 or 1 tile further down, and to the right."""


@dataclass(frozen=True, eq=False)
class Edges:
    """Copies of the outermost rows and columns of a tile's map, (B, C, h, w).

    Attributes:
        top, bottom: (B, C, amount, w).
        left, right: (B, C, h, amount).
    """

    top: Tensor
    bottom: Tensor
    left: Tensor
    right: Tensor

    @classmethod
    def of(cls, part: Tensor, amount: int) -> Self:
        """Copy them from a map that has at least ``amount`` rows and columns."""
        return cls(
            part[..., :amount, :].clone(),
            part[..., -amount:, :].clone(),
            part[..., :amount].clone(),
            part[..., -amount:].clone(),
        )


def surround(part: Tensor, amount: int, neighbors: Mapping[Direction, Edges]) -> Tensor:
    """Return a tile's map with what lies around it; where nothing does, the map is reflected.

    Args:
        part: (B, C, h, w).
        amount: rows and columns that are added on each side.
        neighbors: the edges of the tiles around it, at the least ``amount`` wide.

    Returns:
        (B, C, h + 2·amount, w + 2·amount).
    """
    height, width = part.shape[-2:]
    top, bottom, left, right = (amount * (side in neighbors) for side in ((-1, 0), (1, 0), (0, -1), (0, 1)))
    joined = part.new_empty(*part.shape[:-2], top + height + bottom, left + width + right)
    rows = {-1: slice(top), 0: slice(top, top + height), 1: slice(top + height, None)}
    columns = {-1: slice(left), 0: slice(left, left + width), 1: slice(left + width, None)}
    joined[..., rows[0], columns[0]] = part
    for (down, across), edges in neighbors.items():
        edge = {-1: edges.bottom, 0: edges.right if across < 0 else edges.left, 1: edges.top}[down]
        if down:
            edge = edge[..., {-1: slice(-amount, None), 0: slice(None), 1: slice(amount)}[across]]
        joined[..., rows[down], columns[across]] = edge
    return pad_sides(joined, (amount - left, amount - right, amount - top, amount - bottom))
