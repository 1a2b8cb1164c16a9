from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ganstyle.images import read_image, write_image
from ganstyle.models import GENERATORS
from ganstyle.stylize import Controls, stylize_image, tiles
from ganstyle.stylize.grid import Tile, divide
from ganstyle.stylize.locality import Locality
from ganstyle.stylize.reflection import REFLECTED, Reflection
from tests.reflected import paint_reflected

SIZES = [(1, 1), (1, 70), (2, 33), (32, 33), (40, 31), (90, 64), (131, 200)]


def photo(height: int, width: int, batch: int = 1) -> Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(0))


def lean(strength: bool = True) -> nn.Module:
    torch.manual_seed(0)
    return GENERATORS["lean"](width=4, blocks=1, strength=strength).eval().requires_grad_(False)


@pytest.mark.parametrize("size", SIZES)
def test_add_and_remove(size: tuple[int, int]) -> None:
    reflection, image = Reflection(*size), photo(*size)
    enlarged = reflection.add(image)
    assert enlarged.shape[-2:] == reflection.size
    assert (reflection.down, reflection.across) == tuple(min(REFLECTED, side - 1) for side in size)
    assert torch.equal(reflection.remove(enlarged), image)
    if min(size) > 1:
        assert torch.equal(enlarged[..., reflection.down - 1, :], enlarged[..., reflection.down + 1, :])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("side", [8, 24, 40, 1000])
def test_tiles_see_and_write_what_the_whole_has(size: tuple[int, int], side: int) -> None:
    reflection, image = Reflection(*size), photo(*size, batch=2)
    enlarged, result = reflection.add(image), torch.full((2, 3, *size), torch.nan)

    def write(tile: Tile, painted: Tensor) -> None:
        assert tile.place(result).shape == painted.shape
        assert tile.place(result).isnan().all()  # once
        tile.place(result).copy_(painted)

    for tile in divide(*reflection.size, side, Locality(11, 4)):
        seen = reflection.read(tile, lambda part: part.seen(image))
        assert torch.equal(seen, tile.seen(enlarged))
        reflection.write(tile, tile.cut(seen), write)
    assert torch.equal(result, image)


@pytest.mark.parametrize("tile", ["off", "auto", 64, 128])
@pytest.mark.parametrize("size", [(1, 1), (3, 100), (131, 200), (33, 65)])
@pytest.mark.parametrize("strength", [True, False])
def test_every_photo_is_painted_with_its_reflection(
    size: tuple[int, int], tile: tiles.TileSize, strength: bool
) -> None:
    generator, image = lean(strength), photo(*size, batch=2)
    given = (0.7,) if strength else ()
    expected = paint_reflected(generator, image, *given)
    result = stylize_image(generator, image, Controls(0.7 if strength else 1.0, stroke_size=0), tile=tile)
    torch.testing.assert_close(result, expected, atol=2e-4, rtol=0)


def test_each_pass_is_painted_with_its_reflection() -> None:
    sizes: list[tuple[int, ...]] = []

    class Watched(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            sizes.append(tuple(x.shape[-2:]))
            return x

    stylize_image(Watched(), photo(180, 240), trained_side=60)
    assert sizes == [(60 + 64, 80 + 64), (180 + 64, 240 + 64)]


@pytest.mark.parametrize("exact", [True, False], ids=["exact", "sampled"])
def test_large_photos_are_painted_with_their_reflection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exact: bool
) -> None:
    pytest.importorskip("pyvips", reason="the extra large is not installed")
    from ganstyle.stylize.large import stylize_large

    if not exact:
        monkeypatch.setattr(tiles, "_EXACT", 1)
    write_image(photo(150, 210), tmp_path / "in.png")
    generator = lean()
    stylize_large(
        generator,
        tmp_path / "in.png",
        tmp_path / "out.png",
        Controls(stroke_size=0),
        trained_side=60,
        tile=100,
    )
    expected = paint_reflected(generator, read_image(tmp_path / "in.png"), 1.0)
    assert (read_image(tmp_path / "out.png") - expected).abs().max() < 2 / 255
