"""The recipes that ship with ganstyle."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from ganstyle.recipe import Recipe
from ganstyle.shipped import DEFAULT_RECIPE, shipped_recipes
from ganstyle.style import shipped_styles

ROOT = Path(__file__).parents[2]

RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))

LAUNCHES = sorted((ROOT / "recipes" / "accelerate").glob("*.yaml"))


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_recipes_are_shipped() -> None:
    names = {path.stem for path in RECIPES}
    assert {"quickstart", "resnet", "unet", "johnson", *shipped_styles()} <= names
    assert {path.stem for path in LAUNCHES} >= {"cpu", "single_gpu", "multi_gpu", "multi_node"}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_opens_with_its_command_which_works(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")
    words = shlex.split(first.removeprefix("# "))
    if path.stem == "fit":
        assert words == ["ganstyle", "fit", "PAINTING", "--photos", "PHOTOS"]
        return
    start = words.index("train")
    assert words[:start] in (["ganstyle"], ["accelerate", "launch", "-m", "ganstyle"])
    if path.stem == DEFAULT_RECIPE:
        assert words[start + 1 :] == ["--painting", "PAINTING", "--photos", "PHOTOS"]
        return
    assert words[start + 1] == path.stem
    recipe = Recipe.load(path.stem, words[start + 2 :])
    assert recipe.name == path.stem
    assert recipe.content.path == "PHOTOS"


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_loads_and_survives_a_round_trip(path: Path, tmp_path: Path) -> None:
    recipe = Recipe.load(path)
    assert Recipe.load(write(tmp_path, recipe.to_yaml())) == recipe


@pytest.mark.parametrize("path", LAUNCHES, ids=lambda path: path.stem)
def test_launch_config_opens_with_its_command(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    first = text.splitlines()[0]
    command = f'# accelerate launch --config_file "$(ganstyle recipes path accelerate/{path.stem})" '
    assert first.startswith(command)
    config = yaml.safe_load(text)
    assert isinstance(config, dict)
    assert config["compute_environment"] == "LOCAL_MACHINE"
    assert config["num_processes"] % config["num_machines"] == 0
    for recipe in re.findall(r"ganstyle train (\w+)", text):
        assert recipe in shipped_recipes()
