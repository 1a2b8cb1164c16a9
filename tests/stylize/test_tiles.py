from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ganstyle import devices
from ganstyle.errors import GanstyleError, ImageTooLargeError
from ganstyle.files import shipped_folder
from ganstyle.images import read_image, resize
from ganstyle.models import GENERATORS, InstanceNorm
from ganstyle.style import load_style
from ganstyle.stylize import Controls, memory, parse_tile, stylize_image, tiles
from ganstyle.stylize.grid import Tile, divide
from ganstyle.stylize.joining import divide_without_overlap
from ganstyle.stylize.locality import Locality, measure_locality
from ganstyle.stylize.reflection import Reflection
from ganstyle.stylize.tiles import TiledPainter

LEVEL = 1 / 255

SMALL = {
    "lean": lambda: GENERATORS["lean"](width=4, blocks=2),
    "lean, strength": lambda: GENERATORS["lean"](width=4, blocks=1, strength=True, antialias=True),
    "lean, depth 3": lambda: GENERATORS["lean"](width=4, blocks=1, depth=3, kernel=3),
    "resnet": lambda: GENERATORS["resnet"](width=4, blocks=1),
    "unet": lambda: GENERATORS["unet"](width=4, depth=3, blocks=1),
}


def build(name: str) -> nn.Module:
    torch.manual_seed(0)
    generator = SMALL[name]().eval().requires_grad_(False)
    for module in generator.modules():
        if isinstance(module, InstanceNorm):
            for parameter in module.parameters():  # gains, biases and slopes that matter
                parameter.add_(torch.rand_like(parameter))
    return generator


def picture(height: int, width: int, batch: int = 1) -> Tensor:
    """A photo that differs from place to place: flat, smooth, and full of detail."""
    noise = torch.Generator().manual_seed(0)
    image = resize(torch.rand(batch, 3, 5, 7, generator=noise), (height, width))
    image[..., width // 2 :] += torch.rand(batch, 3, height, width - width // 2, generator=noise) / 3
    image[..., : height // 3, : width // 3] = 0.4
    return image.clamp(0, 1)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("size", [(201, 331), (256, 256), (90, 400)])
def test_tiles_equal_the_whole_image(name: str, size: tuple[int, int]) -> None:
    generator, photo = build(name), picture(*size)
    whole = stylize_image(generator, photo, tile="off")
    assert whole.std() > 0.01
    for tile in (64, 97, 128):
        tiled = stylize_image(generator, photo, tile=tile)
        torch.testing.assert_close(tiled, whole, atol=LEVEL / 20, rtol=0)


@pytest.mark.parametrize("stroke_size", [0.0, 1.0])
def test_tiles_with_all_controls(stroke_size: float) -> None:
    photo = picture(180, 250)
    mask = torch.linspace(0, 1, 250).expand(1, 1, 180, 250)
    for generator in (build("lean, strength"), build("resnet")):
        controls = Controls(0.7, preserve_color=True, mask=mask, stroke_size=stroke_size)
        whole = stylize_image(generator, photo, controls, trained_side=60, tile="off")
        tiled = stylize_image(generator, photo, controls, trained_side=60, tile=64)
        torch.testing.assert_close(tiled, whole, atol=LEVEL / 10, rtol=0)


def test_tiles_of_a_batch_keep_each_photos_statistics() -> None:
    generator, photos = build("lean, strength"), picture(150, 200, batch=2)
    photos[1] *= 0.3
    tiled = stylize_image(generator, photos, tile=64)
    for number in range(2):
        alone = stylize_image(generator, photos[number : number + 1], tile="off")
        torch.testing.assert_close(tiled[number : number + 1], alone, atol=LEVEL / 20, rtol=0)


def test_without_shared_statistics_tiles_would_differ() -> None:
    """The test above would pass for any tiling if the statistics of tiles were alike."""
    generator, photo = build("lean"), picture(201, 331)
    whole = stylize_image(generator, photo, tile="off")
    assert (stylize_image(generator, photo[..., :128], tile="off") - whole[..., :128]).abs().mean() > LEVEL


def test_no_step_at_borders_of_tiles_from_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit, statistics are estimated: close to the picture's, and the same for all tiles."""
    generator, photo = build("lean"), picture(400, 520)
    whole = stylize_image(generator, photo, tile="off")
    monkeypatch.setattr(tiles, "_EXACT", 1)
    monkeypatch.setattr(tiles, "_SAMPLED", 650_000)  # half of all tiles
    results = [stylize_image(generator, photo, tile=tile) for tile in (64, 100, 256)]
    for other in results[1:]:
        torch.testing.assert_close(other, results[0], atol=LEVEL / 20, rtol=0)
    assert (results[0] - whole).abs().mean() < 2 * LEVEL
    error = results[0] - whole  # all that tiles can add
    borders = {tile.columns.start for tile in divide(400, 520, 64, measure_locality(generator))} - {0}
    steps = error.diff(dim=-1).abs().mean((0, 1, 2))
    at_borders = steps[[border - 1 for border in borders]].mean()
    assert at_borders < 1.5 * steps.mean()


@pytest.mark.parametrize(
    "size", [(203, 332), (268, 204)]
)  # reflected, the last of the sample's tiles has 12 pixels
def test_sample_of_narrow_last_tiles(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "_EXACT", 1)
    generator = load_style("wave").generator
    picture = TiledPainter(generator, tile=256)(torch.rand(1, 3, *size))
    assert bool(torch.isfinite(picture).all())


def test_auto_tiles_large_images(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []

    class Watched(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(tuple(x.shape[-2:]))
            return 1 - x

    monkeypatch.setattr(tiles, "LARGEST_UNTILED", 100 * 100)
    monkeypatch.setattr(tiles, "_SIDES", (80,))
    generator, fine = Watched(), Controls(stroke_size=0)
    assert measure_locality(generator) == Locality(0, 1)
    for size, tiled in (((100, 100), False), ((101, 100), True)):
        seen.clear()
        photo = picture(*size)
        torch.testing.assert_close(stylize_image(generator, photo, fine), 1 - photo)
        assert (Reflection(*size).size in seen) != tiled
        if tiled:
            assert sum(height * width for height, width in seen) == (101 + 64) * (100 + 64)
    seen.clear()
    stylize_image(generator, photo, fine, tile="off")
    assert seen == [(101 + 64, 100 + 64)]


@pytest.mark.parametrize("megabytes", [1, 8, 30, 100, 10_000])
def test_auto_tile_size_follows_memory(monkeypatch: pytest.MonkeyPatch, megabytes: int) -> None:
    generator, photo = build("lean, strength"), picture(400, 520)
    whole = stylize_image(generator, photo, tile="off")
    used: list[int] = []

    def watched(height: int, width: int, side: int, multiple: int) -> list[Tile]:
        used.append(side)
        return divide_without_overlap(height, width, side, multiple)

    monkeypatch.setattr(tiles, "divide_without_overlap", watched)
    monkeypatch.setattr(memory, "free_memory", lambda device: megabytes * 10**6)
    torch.testing.assert_close(stylize_image(generator, photo), whole, atol=LEVEL / 20, rtol=0)
    affordable = memory.affordable_pixels(generator, photo.device)
    assert bool(used) == (affordable < 400 * 520)
    assert all(side**2 <= affordable or side == 256 for side in used)


def test_bytes_per_pixel_grow_with_the_maps() -> None:
    narrow, wide = (GENERATORS["lean"](width=width, blocks=1) for width in (32, 64))
    assert memory.bytes_per_pixel(wide) == 2 * memory.bytes_per_pixel(narrow)
    assert 150 < memory.bytes_per_pixel(narrow) < 400  # 170 were measured
    assert memory.bytes_per_pixel(GENERATORS["resnet"](width=32, blocks=1)) > 1000  # and 1,100


def test_memory_limit_of_a_container(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 150\n")
    monkeypatch.setattr(devices, "_MEMORY", tmp_path)
    assert devices.free_memory(torch.device("cpu")) == 450
    (tmp_path / "memory.max").write_text("max\n")
    assert devices.free_memory(torch.device("cpu")) > 10**6


@pytest.mark.slow
@pytest.mark.parametrize("number", range(3))
def test_no_step_across_tiles_at_2048x1536(number: int) -> None:
    """Shipped pictures, and one of stripes and noise; a style as it ships."""
    style = load_style("wave")
    if number < 2:
        file = sorted(shipped_folder().glob("*.jpg"))[number]
        photo = resize(read_image(file), (1536, 2048))
    else:
        photo = picture(1536, 2048)
    whole, tiled = (style(photo, stroke_size=0, tile=tile) for tile in ("off", 512))
    assert (tiled - whole).abs().mean() < LEVEL
    multiple = measure_locality(style.generator).multiple
    columns = {tile.columns.start for tile in divide_without_overlap(1536, 2048, 512, multiple)} - {0}
    at_borders = [border - 1 for border in columns]
    for picture_or_error in (tiled, tiled - whole):
        steps = picture_or_error.diff(dim=-1).abs().mean((0, 1, 2))
        inside = steps[[column for column in range(len(steps)) if column not in at_borders]]
        assert steps[at_borders].max() <= max(float(inside.max()), LEVEL / 100)


class Global(nn.Module):
    """Depends on the whole picture, as a norm does that is not ours."""

    def forward(self, x: Tensor) -> Tensor:
        return (x - x.mean((2, 3), keepdim=True) + 0.5).clamp(0, 1)


def test_generator_that_needs_the_whole_image_is_not_tiled(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = picture(100, 130)
    monkeypatch.setattr(tiles, "LARGEST_UNTILED", 64)
    assert torch.equal(stylize_image(Global(), photo), stylize_image(Global(), photo, tile="off"))
    with pytest.raises(GanstyleError, match="cannot be painted in tiles"):
        stylize_image(Global(), photo, tile=64)


def test_tiling_leaves_the_generator_unchanged() -> None:
    generator, photo = build("lean"), picture(150, 150)
    before = generator(photo)
    stylize_image(generator, photo, tile=64)
    assert torch.equal(generator(photo), before)
    assert all(m.statistics is None for m in generator.modules() if isinstance(m, InstanceNorm))


def test_too_little_memory_for_one_tile() -> None:
    class Fails(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if x.shape[-2] != 32:
                raise MemoryError
            return x

    with pytest.raises(ImageTooLargeError, match="more memory than cpu has"):
        stylize_image(Fails(), picture(100, 130), tile=64)


@pytest.mark.parametrize("text", ["63", "0", "-5", "large", "1.5", ""])
def test_tile_out_of_range(text: str) -> None:
    with pytest.raises(GanstyleError, match="tile"):
        parse_tile(text)


def test_parse_tile() -> None:
    assert [parse_tile(text) for text in ("auto", "off", "512")] == ["auto", "off", 512]
    with pytest.raises(GanstyleError, match="tile 10: give at least 64 pixels"):
        TiledPainter(nn.Identity(), tile=10)
