import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from ganstyle import __version__, files
from ganstyle import style as checkpoint
from ganstyle.errors import GanstyleError
from ganstyle.images import from_pil, read_image, resize_shorter, to_pil
from ganstyle.losses import StyleTarget
from ganstyle.models import GENERATORS
from ganstyle.recipe import Recipe
from ganstyle.style import Style, load_style, save_style, shipped_styles
from ganstyle.stylize import Controls, stylize_image
from tests.reflected import paint_reflected

EXAMPLE_PHOTO = Path(__file__).parents[2] / "ganstyle" / "assets" / "astronaut.jpg"

Make = Callable[..., tuple[nn.Module, Recipe, StyleTarget]]


@pytest.mark.parametrize("name", ["resnet", "unet", "lean", "coarse"])
def test_style_round_trip_bit_exact(info: Any, make: Make, tmp_path: Path, name: str) -> None:
    generator, recipe, target = make(name)
    path = tmp_path / "sub" / "style.safetensors"
    save_style(path, generator, recipe, target, info)
    style = load_style(path)
    assert isinstance(style, Style)
    assert style.name == "tiny"
    assert style.recipe == recipe
    assert style.info == info
    assert type(style.generator) is GENERATORS["lean" if name == "coarse" else name]
    expected = generator.state_dict()
    assert list(style.generator.state_dict()) == list(expected)
    for key, value in style.generator.state_dict().items():
        assert torch.equal(value, expected[key])
    assert len(style.target.octaves) == 2
    for held, grams in zip(style.target.octaves, target.octaves, strict=True):
        assert set(held) == {"relu1_1", "relu1_2"}
        for layer, gram in grams.items():
            assert torch.equal(held[layer], gram)
    image = torch.rand(1, 3, 9, 11)
    with torch.no_grad():
        assert torch.equal(style.generator(image), generator(image))


def test_compact_file_is_half_as_large_with_equal_output(tmp_path: Path) -> None:
    style = load_style("wave")
    with torch.no_grad():  # shipped weights are rounded already
        for parameter in style.generator.parameters():
            parameter.mul_(1 + 0.003 * torch.randn_like(parameter))
    style.save(tmp_path / "exact.safetensors")
    style.save(tmp_path / "compact.safetensors", compact=True)
    exact, compact = (load_style(tmp_path / f"{name}.safetensors") for name in ("exact", "compact"))
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("compact", "exact")]
    assert sizes[0] < 0.53 * sizes[1]
    for key, value in style.generator.state_dict().items():
        assert torch.equal(exact.generator.state_dict()[key], value)
    # A smooth slope is the worst case: instance norm amplifies the rounding to some levels.
    photo = resize_shorter(read_image(EXAMPLE_PHOTO), 256)
    slope = torch.linspace(0.05, 0.95, 160).expand(1, 3, 96, 160) * torch.tensor([1.0, 0.6, 0.3]).view(
        1, 3, 1, 1
    )
    for strength in (0.4, 1.0):
        assert (compact(photo, strength) - style(photo, strength)).abs().max() < 1 / 255
        assert (compact(slope, strength) - style(slope, strength)).abs().mean() < 3 / 255
    assert compact.recipe == style.recipe
    assert compact.info == style.info
    for held, grams in zip(compact.target.octaves, style.target.octaves, strict=True):
        for layer, gram in grams.items():
            assert held[layer].dtype == torch.float32
            assert ((held[layer] - gram) ** 2).sum() < 1e-3 * (gram**2).sum()


def test_compact_file_without_its_scales(
    info: Any, make: Make, broken: Any, rewrite: Any, tmp_path: Path
) -> None:
    path = tmp_path / "style.safetensors"
    generator, recipe, target = make()
    save_style(path, generator, recipe, target, info, compact=True)
    tensors = {key: value for key, value in load_file(path).items() if not key.endswith(".scale")}
    assert "does not hold what it should" in broken(rewrite(path, tensors))


def test_loaded_generator_is_frozen_in_eval_mode(saved: Path) -> None:
    style = load_style(str(saved))
    assert not style.generator.training
    assert not any(parameter.requires_grad for parameter in style.generator.parameters())


def test_style_call_with_tensors(saved: Path) -> None:
    style = load_style(saved)
    image = torch.rand(2, 3, 9, 11, dtype=torch.float64)
    painting = style(image)
    assert painting.dtype == torch.float32
    assert torch.equal(painting, paint_reflected(style.generator, image.float()))
    mask = torch.zeros(1, 1, 9, 11)
    mask[..., :5] = 1
    told = style(image, strength=0.5, preserve_color=True, mask=mask)
    assert torch.equal(told, stylize_image(style.generator, image, Controls(0.5, True, mask)))
    assert torch.equal(told[..., 5:], image[..., 5:].float())


def test_style_call_with_tiles(saved: Path) -> None:
    style, photo = load_style(saved), torch.rand(1, 3, 70, 150)
    whole = style(photo, tile="off")
    torch.testing.assert_close(style(photo, tile=64), whole, atol=1e-3, rtol=0)
    assert torch.equal(style(photo), whole)
    with pytest.raises(GanstyleError, match="tile 63: give at least 64"):
        style(photo, tile=63)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_style_call_with_pillow_images(saved: Path, mode: str) -> None:
    style = load_style(saved)
    pixels = (torch.rand(9, 11, 3) * 255).to(torch.uint8).numpy()
    photo = Image.fromarray(pixels).convert(mode)
    painting = style(photo)
    assert isinstance(painting, Image.Image)
    assert (painting.mode, painting.size) == ("RGB", (11, 9))
    assert painting.tobytes() == to_pil(style(from_pil(photo))).tobytes()
    assert style(photo, strength=0).tobytes() == photo.convert("RGB").tobytes()
    black, white = Image.new("L", (22, 18)), Image.new("L", (22, 18), 255)
    assert style(photo, mask=black).tobytes() == photo.convert("RGB").tobytes()
    assert style(photo, mask=white).tobytes() == painting.tobytes()


@pytest.mark.parametrize(
    "image",
    [
        torch.rand(3, 8, 8),
        torch.rand(1, 8, 8, 3),
        torch.rand(1, 3, 0, 8),
        torch.full((1, 3, 8, 8), 200.0),
        torch.full((1, 3, 8, 8), float("nan")),
        torch.zeros(1, 3, 8, 8, dtype=torch.uint8),
    ],
    ids=["flat", "nhwc", "empty", "range", "nan", "bytes"],
)
def test_style_call_refuses_wrong_tensors(saved: Path, image: Tensor) -> None:
    with pytest.raises(ValueError, match="photo"):
        load_style(saved)(image)


def test_style_call_refuses_unsupported_options(saved: Path) -> None:
    style, image = load_style(saved), torch.rand(1, 3, 8, 8)
    with pytest.raises(GanstyleError, match="strength 2"):
        style(image, strength=2)
    with pytest.raises(GanstyleError, match="aspect ratio"):
        style(image, mask=torch.rand(1, 1, 8, 16))


def test_saving_does_not_change_the_generator(make: Make, tmp_path: Path) -> None:
    generator, recipe, target = make()
    save_style(tmp_path / "a.safetensors", generator, recipe, target, {})
    assert generator.training
    assert all(parameter.requires_grad for parameter in generator.parameters())


def test_saving_is_deterministic(info: Any, make: Make, metadata: Any, tmp_path: Path) -> None:
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    for path in (first, second):
        save_style(path, *make(), info)
    assert load_file(first).keys() == load_file(second).keys()
    assert metadata(first) == metadata(second)


def test_any_memory_layout_can_be_saved(make: Make, tmp_path: Path) -> None:
    generator, recipe, _ = make()
    generator.to(memory_format=torch.channels_last)
    gram = torch.rand(4, 4)
    path = tmp_path / "a.safetensors"
    # a transposed matrix, and one matrix under two names
    save_style(path, generator, recipe, StyleTarget(({"relu1_1": gram.mT, "relu1_2": gram.mT},)), {})
    style = load_style(path)
    assert torch.equal(style.target.grams["relu1_2"], gram.mT)
    image = torch.rand(1, 3, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(style.generator(image), generator(image))


def test_style_metadata(info: Any, make: Make, metadata: Any, saved: Path) -> None:
    held = metadata(saved)
    assert set(held) == {"format", "ganstyle", "recipe", "info"}
    assert held["ganstyle"] == __version__
    assert json.loads(held["info"]) == info
    recipe = json.loads(held["recipe"])
    assert recipe == make()[1].to_dict()
    assert recipe["style"]["title"] == "Ночь"
    names = list(load_file(saved))
    assert {"gram.relu1_1", "gram.relu1_2"} <= set(names)
    assert all(name.startswith(("generator.", "gram.")) for name in names)


def test_unknown_style_name_lists_the_shipped_ones(
    broken: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(checkpoint, "shipped_styles", lambda: {"night": tmp_path, "waves": tmp_path})
    message = broken("nigth")
    assert "neither a file nor a shipped style" in message
    assert "night, waves" in message
    assert "neither" in broken(tmp_path)  # a folder is no style


def test_load_shipped_style_by_name(monkeypatch: pytest.MonkeyPatch, saved: Path) -> None:
    monkeypatch.setattr(checkpoint, "shipped_styles", lambda: {"night": saved})
    assert load_style("night").name == "tiny"


def test_shipped_styles_beside_or_inside_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "ganstyle"
    monkeypatch.setattr(files, "__file__", str(package / "files.py"))
    assert shipped_styles() == {}
    inside = package / "checkpoints"
    inside.mkdir(parents=True)
    for name in ("b.safetensors", "a.safetensors", "a.md"):
        (inside / name).touch()
    assert list(shipped_styles().items()) == [(n, inside / f"{n}.safetensors") for n in ("a", "b")]
    beside = package.parent / "checkpoints"
    beside.mkdir()
    (beside / "c.safetensors").touch()
    assert list(shipped_styles()) == ["a", "b"]  # another package's folder
    (package.parent / "pyproject.toml").write_text('[project]\nname = "ganstyle"\n')
    assert shipped_styles() == {"c": beside / "c.safetensors"}


def test_every_shipped_style_loads() -> None:
    for name, path in shipped_styles().items():
        style = load_style(name)
        assert style.name == name
        assert len(style.info["vgg"]["sha256"]) == 64
        assert set(style.target.grams) == set(style.recipe.loss.layers)
        assert style.recipe.style.title
        assert style.recipe.style.license
        assert path.with_suffix(".md").is_file()
        result = style.generator(torch.rand(1, 3, 16, 16))
        assert result.isfinite().all()
