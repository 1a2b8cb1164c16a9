"""Recipe files, overrides, and writing them again."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ganstyle.errors import RecipeError
from ganstyle.recipe import Recipe, differences


def values(**changes: Any) -> dict[str, Any]:
    return {"name": "x", "style": {"path": "painting.jpg"}, **changes}


def parse(**changes: Any) -> Recipe:
    return Recipe.parse(values(**changes), source="recipe.yaml")


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def load(folder: Path, *overrides: str) -> Recipe:
    return Recipe.load(write(folder, "name: x\nstyle: {path: painting.jpg}\nsteps: 7\n"), overrides)


def test_load_recipe_file(tmp_path: Path) -> None:
    recipe = load(tmp_path)
    assert (recipe.name, recipe.steps) == ("x", 7)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name: [x", "not valid YAML"),
        ("name: 'x", "not valid YAML"),
        ("a: b: c", "not valid YAML"),
        ("name: x\x00", "not valid YAML"),
        ("name: !!python/object/apply:os.getcwd []", "not valid YAML"),
        ("[" * 600, "not valid YAML"),
        ("", "'key: value' lines"),
        ("- name: x", "'key: value' lines"),
        ("starry night", "'key: value' lines"),
    ],
)
def test_file_that_is_not_a_recipe(tmp_path: Path, text: str, reason: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(RecipeError, match=reason) as caught:
        Recipe.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_image_given_as_a_recipe(tmp_path: Path) -> None:
    path = tmp_path / "painting.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00")
    with pytest.raises(RecipeError, match="not valid YAML"):
        Recipe.load(path)


def test_missing_recipe_file(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.yaml", tmp_path):
        with pytest.raises(RecipeError, match="cannot be read") as caught:
            Recipe.load(path)
        assert str(caught.value).startswith(f"{path}: ")


def test_overrides(tmp_path: Path) -> None:
    recipe = load(
        tmp_path,
        "steps=9",
        "loss.style=10",
        "optimizer.lr=2e-4",
        "optimizer.betas=[0, 0.99]",
        "loss.style_layers=[relu1_1]",
        "loss.content_layers.relu2_2=0.5",
        "content.path=/a=b/c",
        "generator={name: unet, width: 8}",
        "discriminator.layers=2",
        "style.title=The Starry Night",
        "run.dir=",
        "run.dir='2024'",
    )
    assert recipe.steps == 9
    assert recipe.loss.style == 10
    assert recipe.optimizer.lr == pytest.approx(2e-4)
    assert recipe.optimizer.betas == (0, 0.99)
    assert recipe.loss.style_layers == {"relu1_1": 1.0}
    assert recipe.loss.content_layers == {"relu2_2": 0.5}
    assert recipe.content.path == "/a=b/c"
    assert (recipe.generator.name, recipe.generator.options) == ("unet", {"width": 8})
    assert recipe.discriminator is not None
    assert recipe.discriminator.options == {"layers": 2}
    assert (recipe.style.title, recipe.style.path) == ("The Starry Night", "painting.jpg")
    assert recipe.run.dir == "2024"


def test_override_removes_and_restores_the_discriminator(tmp_path: Path) -> None:
    assert load(tmp_path, "discriminator=null").discriminator is None
    assert load(tmp_path, "discriminator=null", "discriminator.width=8").discriminator is not None


def test_override_supplies_a_missing_key(tmp_path: Path) -> None:
    path = write(tmp_path, "name: x\n")
    assert Recipe.load(path, ["style.path=a.jpg"]).style.path == "a.jpg"


@pytest.mark.parametrize("override", ["steps", "", "=3", "--steps", "loss.style=[1", "x=@"])
def test_malformed_override(tmp_path: Path, override: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, override)
    assert f"'{override}'" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("stepz=3", "unknown key 'stepz'; did you mean 'steps'"),
        ("loss.stile=3", "unknown key 'loss.stile'; did you mean 'loss.style'"),
        ("steps=ten", "'steps': "),
        ("steps=", "'steps': "),
        ("steps.x=3", "'steps': "),
        ("style=a.jpg", "'style': "),
        ("generator.widht=3", "'widht' is not a keyword of resnet"),
        ("image_size=64", "discriminator.patch_size 128 is larger than image_size 64"),
        ("loss..style=3", "unknown key"),
    ],
)
def test_overrides_are_validated(tmp_path: Path, override: str, reason: str) -> None:
    with pytest.raises(RecipeError, match=re.escape(reason)) as caught:
        load(tmp_path, override)
    assert "\n" not in str(caught.value)


def test_round_trip(tmp_path: Path) -> None:
    recipe = parse(
        name="1889",
        style={"path": "données/ночь 'a': b.jpg", "title": "De sterrennacht\t—\nnuit", "year": "1889"},
        generator={"name": "unet", "width": 8},
        discriminator={"layers": 2, "spectral_norm": True},
        optimizer={"lr": 1e-7, "betas": (0.0, 0.99)},
        loss={"style_layers": {"relu1_1": 0.25, "relu2_1": 3}},
    )
    again = Recipe.load(write(tmp_path, recipe.to_yaml()))
    assert again == recipe
    assert again.to_dict() == recipe.to_dict()
    assert differences(recipe, again) == []
    assert again.generator.options == {"width": 8}


def test_round_trip_without_a_discriminator(tmp_path: Path) -> None:
    recipe = parse(discriminator=None)
    assert Recipe.load(write(tmp_path, recipe.to_yaml())) == recipe


def test_written_recipe_holds_every_default() -> None:
    written = yaml.safe_load(parse().to_yaml())
    assert set(written) == set(Recipe.model_fields)
    assert written["optimizer"]["betas"] == [0.5, 0.999]
    assert written["discriminator"]["patch_size"] == 128


def test_recipe_differences() -> None:
    old = parse(seed=1, loss={"style": 5}, generator={"width": 8})
    new = parse(seed=2, loss={"style": 6}, generator={"width": 8, "blocks": 3}, run={"dir": "elsewhere"})
    assert differences(old, new) == [
        "generator.blocks: null -> 3",
        "loss.style: 5.0 -> 6.0",
        'run.dir: "runs" -> "elsewhere"',
        "seed: 1 -> 2",
    ]
    assert differences(old, new, ignore=["run", "loss", "generator"]) == ["seed: 1 -> 2"]
    assert differences(old, old) == []


def test_recipe_differences_show_a_removed_discriminator() -> None:
    shown = differences(parse(), parse(discriminator=None))
    assert 'discriminator.name: "patchgan" -> null' in shown
