from itertools import pairwise

import pytest
import torch

from ganstyle.stylize.grid import Span, divide
from ganstyle.stylize.locality import Locality


@pytest.mark.parametrize(("height", "width"), [(1, 1), (64, 64), (65, 130), (1000, 63), (999, 1001)])
def test_tiles_cover_the_image_once(height: int, width: int) -> None:
    counts = torch.zeros(height, width)
    for tile in divide(height, width, 64, Locality(10, 4)):
        tile.place(counts).add_(1)
        own = tile.cut(tile.seen(torch.arange(height * width).view(height, width)))
        assert torch.equal(own, tile.place(torch.arange(height * width).view(height, width)))
        assert tile.rows.stop - tile.rows.start <= 64
        assert tile.rows.start % 4 == 0
        assert tile.rows.seen_start == max(0, tile.rows.start - 12)
    assert (counts == 1).all()


def test_tiles_have_similar_sizes() -> None:
    starts = sorted({tile.columns.start for tile in divide(10, 1030, 1024, Locality(0, 1))})
    assert starts == [0, 515]
    assert all(b - a <= 1024 for a, b in pairwise(starts))


def test_last_tile_has_the_padding_of_the_network() -> None:
    """A map at a quarter of the size of pixels 84 to 103, padded from 19 to 24, seen from 60 on."""
    assert Span(84, 103, 60, 103, at_end=True).inside(12) == slice(6, 12)
    assert Span(84, 104, 60, 128, at_end=False).inside(17) == slice(6, 11)


def test_a_side_that_a_network_enlarges_belongs_to_its_only_tile() -> None:
    assert Span(0, 7, 0, 7, at_end=True).inside(16) == slice(0, 16)


@pytest.mark.parametrize("reach", [0, 40, 94, 112])
def test_what_is_unaffected_contains_the_tile(reach: int) -> None:
    """Also beside a last tile that is narrower than the reach."""
    for length in (*range(1, 420), 6476):
        for span in (tile.columns for tile in divide(8, length, 64, Locality(112, 8))):
            unaffected = span.unaffected(reach)
            assert unaffected.start <= span.start < span.stop <= unaffected.stop
            assert span.seen_start <= unaffected.start
            assert unaffected.stop <= span.seen_stop
