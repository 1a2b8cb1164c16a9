"""The JSON Schema that editors complete and check recipes with."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, ValidationError

from ganstyle.arbitrary import AnyRecipe
from ganstyle.distill import DistillationRecipe
from ganstyle.recipe import Recipe, RunRecipe
from ganstyle.recipe.json_schema import recipe_schema, schema_text

ROOT = Path(__file__).parents[2]
FILES: dict[Path, type[RunRecipe]] = {
    ROOT / "recipes" / "recipe.schema.json": Recipe,
    ROOT / "recipes" / "distillation.schema.json": DistillationRecipe,
    ROOT / "recipes" / "any.schema.json": AnyRecipe,
}
OPTIONS = {Recipe: "", DistillationRecipe: " --distillation", AnyRecipe: " --any"}
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))
VALIDATOR = Draft202012Validator(recipe_schema(Recipe))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_json_schema_file_is_current(path: Path) -> None:
    command = f"ganstyle recipes schema{OPTIONS[FILES[path]]} > recipes/{path.name}"
    assert path.read_text(encoding="utf-8") == schema_text(FILES[path]), f"write it anew: {command}"


@pytest.mark.parametrize("recipe", FILES.values())
def test_json_schema_is_valid(recipe: type[RunRecipe]) -> None:
    Draft202012Validator.check_schema(recipe_schema(recipe))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_fit_and_point_to_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    VALIDATOR.validate(yaml.safe_load(text))
    assert text.splitlines()[1] == "# yaml-language-server: $schema=recipe.schema.json"


@pytest.mark.parametrize(
    ("name", "recipe", "schema"),
    [
        ("distill/vgg16", DistillationRecipe, "distillation"),
        ("any/lean", AnyRecipe, "any"),
    ],
)
def test_recipes_of_other_trainings_fit_and_point_to_theirs(
    name: str, recipe: type[RunRecipe], schema: str
) -> None:
    text = (ROOT / "recipes" / f"{name}.yaml").read_text(encoding="utf-8")
    Draft202012Validator(recipe_schema(recipe)).validate(yaml.safe_load(text))
    assert text.splitlines()[1] == f"# yaml-language-server: $schema=../{schema}.schema.json"


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": 0},
        {"steps": "many"},
        {"seed": True},
        {"stesp": 3},
        {"loss": {"style": -1}},
        {"loss": {"style_layers": {}}},
        {"loss": {"gan": "wasserstein"}},
        {"optimizer": {"schedule": "step"}},
        {"generator": {"name": "vit"}},
        {"generator": {"name": "lean", "width": "wide"}},
        {"phases": [{"until": 2}]},
    ],
)
def test_json_schema_rejects_wrong_values(changes: dict[str, Any]) -> None:
    recipe = {"name": "x", "style": {"path": "x.jpg"}}
    VALIDATOR.validate(recipe)
    with pytest.raises(ValidationError):
        VALIDATOR.validate({**recipe, **changes})


def test_layers_may_be_a_list() -> None:
    VALIDATOR.validate(
        {"name": "x", "style": {"path": "x"}, "loss": {"style_layers": ["relu1_1", "relu2_1"]}}
    )


def test_keywords_of_networks_are_completed() -> None:
    properties = recipe_schema(Recipe)["$defs"]["GeneratorSection"]["properties"]
    assert properties["name"]["enum"] == ["lean", "resnet", "unet"]
    assert properties["strength"] == {"type": "boolean", "description": "of lean, resnet, unet"}
    assert properties["blocks"]["type"] == "integer"
    assert json.loads(schema_text(Recipe)) == recipe_schema(Recipe)
