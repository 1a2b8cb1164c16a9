import pytest
import torch
from torch import Tensor, nn

from ganstyle.models import GENERATORS, InstanceNorm, Pad, pad
from ganstyle.stylize import stylize_image
from ganstyle.stylize.borders import Edges, surround
from ganstyle.stylize.grid import find_neighbors
from ganstyle.stylize.joining import can_join, divide_without_overlap
from ganstyle.stylize.statistics import SharedStatistics


@pytest.mark.parametrize("amount", [1, 3])
@pytest.mark.parametrize("size", [(128, 128), (140, 300), (300, 330)])
def test_surround_gives_each_tile_what_padding_the_whole_map_gives(
    size: tuple[int, int], amount: int
) -> None:
    whole = torch.rand(2, 3, *size)
    padded = pad(whole, amount)
    tiles = divide_without_overlap(*size, 128, 4)
    assert sum(tile.place(whole).numel() for tile in tiles) == whole.numel()
    edges = {tile: Edges.of(tile.place(whole), amount) for tile in tiles}
    for tile, around in find_neighbors(tiles).items():
        found = surround(tile.place(whole), amount, {where: edges[other] for where, other in around.items()})
        rows, columns = tile.rows, tile.columns
        expected = padded[..., rows.start : rows.stop + 2 * amount, columns.start : columns.stop + 2 * amount]
        assert torch.equal(found, expected)


def test_tiles_without_overlap_are_never_narrow() -> None:
    for length in range(1, 2000, 7):
        sides = [tile.columns.stop - tile.columns.start for tile in divide_without_overlap(8, length, 128, 8)]
        assert sum(sides) == length
        assert max(sides) < 128 + 64
        assert len(sides) == 1 or min(sides) >= 56


class Blur(nn.Module):
    """Looks around itself, through `Pad` or in its own way."""

    def __init__(self, padding: nn.Module) -> None:
        super().__init__()
        self.padding, self.norm = padding, InstanceNorm(3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.norm(nn.functional.avg_pool2d(self.padding(x), 5, 1)))


class Both(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Blur(Pad(2)), Blur(nn.ReflectionPad2d(2))

    def forward(self, x: Tensor) -> Tensor:
        picture: Tensor = self.second(self.first(x))
        return picture


@pytest.mark.parametrize(
    ("generator", "joins"),
    [
        *(
            (GENERATORS[name](**keywords), True)
            for name, keywords in (
                ("lean", {"width": 4, "blocks": 1, "coarse": 1, "coarse_width": 4, "antialias": True}),
                ("resnet", {"width": 4, "blocks": 1}),
                ("unet", {"width": 4, "blocks": 1}),
            )
        ),
        (Blur(Pad(2)), True),
        (Blur(nn.ReflectionPad2d(2)), False),
        (Both(), False),
    ],
    ids=["lean", "resnet", "unet", "pad", "own padding", "both"],
)
def test_can_join_and_paints_the_same_either_way(generator: nn.Module, joins: bool) -> None:
    generator.eval().requires_grad_(False)
    assert can_join(generator) == joins
    photo = torch.rand(1, 3, 203, 331, generator=torch.Generator().manual_seed(0))
    whole, tiled = (stylize_image(generator, photo, tile=tile) for tile in ("off", 128))
    torch.testing.assert_close(tiled, whole, atol=1e-4, rtol=0)


def test_joined_tiles_are_painted_once() -> None:
    """No pixel is computed twice: that is what saves time and memory."""
    generator, seen = GENERATORS["lean"](width=4, blocks=1).eval(), []
    tiles = divide_without_overlap(256, 384, 128, 4)

    def paint(x: Tensor) -> Tensor:
        seen.append(x[0, 0].numel())
        picture: Tensor = generator(x)
        return picture

    photo = torch.rand(1, 3, 256, 384)
    with torch.inference_mode():
        parts = list(SharedStatistics(generator).paint(paint, tiles, lambda t: t.seen(photo), joined=True))
    assert len(parts) == len(tiles) == 6
    assert sum(seen) == 256 * 384
