"""The styles that ship: each has its recipe, its card and its picture, and they speak of the same file."""

import zlib
from pathlib import Path

import pytest
import torch

from ganstyle.files import sha256
from ganstyle.images import check_image, read_image, resize_shorter
from ganstyle.metrics import YARDSTICK_LAYERS, Yardstick
from ganstyle.models import takes_strength
from ganstyle.recipe import Recipe, differences
from ganstyle.style import load_style, shipped_styles
from ganstyle.weights import find_vgg16, load_vgg16

ROOT = Path(__file__).parents[1]
STYLES = shipped_styles()
PHOTO = ROOT / "ganstyle" / "assets" / "astronaut.jpg"


def test_six_styles_are_shipped() -> None:
    names = "composition_vii henri_martin hiroshige starry_night the_scream udnie van_gogh wave"
    assert set(names.split()) == STYLES.keys()


@pytest.mark.parametrize("name", STYLES)
def test_shipped_style_matches_its_recipe(name: str) -> None:
    style = load_style(name)
    assert differences(style.recipe, Recipe.load(ROOT / "recipes" / f"{name}.yaml")) == []
    assert style.name == name
    assert style.info["training"]["steps"] == style.recipe.steps
    assert style.recipe.discriminator is not None
    assert style.recipe.style.license == "public domain"


@pytest.mark.parametrize("name", STYLES)
def test_shipped_card_matches_its_file(name: str) -> None:
    style, file = load_style(name), STYLES[name]
    card = file.with_suffix(".md").read_text(encoding="utf-8")
    painting, scores = style.recipe.style, style.info["scores"]
    for fact in (sha256(file), painting.title, painting.author, painting.year, painting.license):
        assert fact in card
    assert f"{scores['content']:.2f}" in card
    assert f"{scores['style']:.3f}" in card
    assert f"{name}.jpg" in card
    assert file.stat().st_size <= 4e6
    assert f"checkpoints/{name}.jpg" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert check_image(file.with_suffix(".jpg")) == check_image(PHOTO)


@pytest.mark.parametrize("name", STYLES)
def test_shipped_style_has_learned_strength(name: str) -> None:
    """The stronger, the further from the photo and, up to 1, the closer to the painting, at that size."""
    style = load_style(name)
    photo = resize_shorter(read_image(PHOTO), style.trained_side)[..., :256, :256]
    assert takes_strength(style.generator)
    assert torch.equal(style(photo, 0.0), photo)
    yardstick = Yardstick(load_vgg16(find_vgg16("distilled"), YARDSTICK_LAYERS), style.target)
    with torch.inference_mode():
        measured = [yardstick.measure(style(photo, strength), photo) for strength in (0.25, 0.5, 1.0, 1.5)]
    content, distance = ([float(value) for value in values] for values in zip(*measured, strict=True))
    assert content == sorted(content)
    assert distance[:3] == sorted(distance[:3], reverse=True)
    assert distance[3] < distance[0] / 2


@pytest.mark.parametrize("size", [(97, 131), (131, 97), (64, 1000)])
@pytest.mark.parametrize("name", STYLES)
def test_shipped_style_at_any_size(name: str, size: tuple[int, int]) -> None:
    picture = load_style(name)(torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)))
    assert picture.shape[-2:] == size
    assert bool(torch.isfinite(picture).all())
    assert float(picture.std()) > 0.05


def test_wheel_is_below_15_megabytes() -> None:
    """A wheel compresses each file; Style.save(path, compact=True) halves those of styles."""
    folders = [ROOT / name for name in ("ganstyle", "checkpoints", "recipes")]
    files = [path for folder in folders for path in folder.rglob("*.*") if path.is_file()]
    cards = set((ROOT / "checkpoints").glob("*.jpg"))  # pictures that stay in the repository
    shipped = [path for path in files if path.suffix != ".pyc" and path not in cards]
    assert sum(len(zlib.compress(path.read_bytes(), level=6)) for path in shipped) < 15e6
