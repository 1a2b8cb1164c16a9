"""Norm statistics that come from a sample of tiles."""

import copy

import pytest
import torch
from torch import Tensor, nn

from ganstyle.models import GENERATORS, InstanceNorm
from ganstyle.stylize.grid import Span, Tile, divide
from ganstyle.stylize.locality import measure_locality
from ganstyle.stylize.statistics import SharedStatistics

SIZE = (416, 512)
Statistics = tuple[Tensor, Tensor]


def build(name: str) -> nn.Module:
    options = {"coarse": 1, "coarse_width": 4, "antialias": True} if name == "lean" else {}
    torch.manual_seed(0)
    return GENERATORS[name](width=4, blocks=1, **options).eval().requires_grad_(False)


def norms_of(generator: nn.Module) -> list[InstanceNorm]:
    return [module for module in generator.modules() if isinstance(module, InstanceNorm)]


class Replay:
    """Gives the norms known statistics, and notes their maps."""

    def __init__(self, known: list[Statistics]) -> None:
        self.known, self.maps = known, list[Tensor]()

    def __call__(self, part: Tensor) -> Statistics:
        self.maps.append(part)
        return self.known[len(self.maps) - 1]


def record(
    generator: nn.Module, photo: Tensor, tiles: list[Tile], reaches: tuple[int, ...]
) -> list[Statistics]:
    """Return the statistics of each norm that tiles of a photo give."""
    generator = copy.deepcopy(generator)
    shared = SharedStatistics(generator)
    for _ in shared.paint(generator, tiles, lambda tile: tile.seen(photo), reaches=reaches):
        pass
    known: list[Statistics] = []

    def remember(part: Tensor) -> Statistics:
        known.append(shared(part))
        return known[-1]

    for norm in norms_of(generator):
        norm.statistics = remember
    for _ in shared.paint(generator, tiles[:1], lambda tile: tile.seen(photo)):
        pass
    return known


@pytest.mark.parametrize("name", ["lean", "resnet", "unet"])
@pytest.mark.parametrize("number", [0, 7, 18, -1], ids=["corner", "right edge", "inside", "last corner"])
def test_all_that_is_painted_as_in_the_whole_picture_counts(name: str, number: int) -> None:
    generator, photo = build(name), torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(0))
    locality = measure_locality(generator)
    tile = divide(*SIZE, 64, locality)[number]
    known = record(generator, photo, [tile], locality.norms)
    assert len(known) == len(locality.norms) == len(norms_of(generator))
    replay = Replay(known)
    for norm in norms_of(generator):
        norm.statistics = replay
    generator(photo)
    sizes = []
    for map_, reach, (mean, variance) in zip(replay.maps, locality.norms, known, strict=True):
        counted = tile.unaffected(reach)
        part = _part(counted, map_)
        torch.testing.assert_close(part.mean((0, 2, 3)), mean, atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(part.var((0, 2, 3), correction=0), variance, atol=1e-4, rtol=1e-3)
        sizes.append(counted.rows.stop - counted.rows.start)
    assert max(sizes) > min(sizes) >= tile.rows.stop - tile.rows.start


def _part(counted: Tile, map_: Tensor) -> Tensor:
    """Return the part of a whole picture's map that lies where a tile does."""
    rows, columns = (
        Span(part.start, part.stop, 0, side, at_end=part.at_end)
        for part, side in zip((counted.rows, counted.columns), SIZE, strict=True)
    )
    return Tile(rows, columns).cut(map_)


def test_a_sample_of_the_same_tiles_is_closer_to_the_whole() -> None:
    """It counts four times as many pixels of the early maps, at the same cost."""
    generator = build("lean")
    photo = torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(3))
    photo = nn.functional.interpolate(photo, SIZE, mode="bicubic").clamp(0, 1)
    locality = measure_locality(generator)
    tiles = divide(*SIZE, 32, locality)
    exact = record(generator, photo, tiles, ())
    few = tiles[5::17]
    errors = []
    for reaches in ((), locality.norms):
        found = record(generator, photo, few, reaches)
        errors.append(sum(float((a - b).abs().mean()) for (a, _), (b, _) in zip(found, exact, strict=True)))
    assert errors[1] < errors[0]
