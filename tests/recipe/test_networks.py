from typing import Any

import pytest

from ganstyle.errors import RecipeError
from ganstyle.models import DISCRIMINATORS, GENERATORS
from ganstyle.recipe import Recipe
from ganstyle.recipe.networks import network_keywords


def parse(**changes: Any) -> Recipe:
    values = {"name": "x", "style": {"path": "p"}, **changes}
    return Recipe.parse(values, source="r")


def refused(**changes: Any) -> str:
    with pytest.raises(RecipeError) as caught:
        parse(**changes)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix("r: ")


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("strength", "abc", "valid boolean"),
        ("strength", "none", "valid boolean"),
        ("strength", 1, "valid boolean"),
        ("strength", None, "valid boolean"),
        ("width", "wide", "valid integer"),
        ("width", "8", "valid integer"),
        ("width", 8.5, "valid integer"),
        ("width", True, "valid integer"),
        ("width", None, "valid integer"),
        ("width", [8], "valid integer"),
        ("width", {"a": 8}, "valid integer"),
        ("width", float("nan"), "valid integer"),
    ],
)
@pytest.mark.parametrize("name", GENERATORS)
def test_wrong_type_of_a_generator_keyword(name: str, key: str, value: Any, reason: str) -> None:
    message = refused(generator={"name": name, key: value})
    assert message.startswith(f"'generator.{key}': should be a {reason}")
    assert f"(got {value!r})" in message


@pytest.mark.parametrize(
    ("key", "value"),
    [("spectral_norm", "none"), ("spectral_norm", 0), ("norm", None), ("norm", 3), ("scales", 1.5)],
)
def test_wrong_type_of_a_discriminator_keyword(key: str, value: Any) -> None:
    assert refused(discriminator={key: value}).startswith(f"'discriminator.{key}': should be a valid ")


@pytest.mark.parametrize("network", [*GENERATORS.values(), *DISCRIMINATORS.values()])
def test_defaults_of_every_network_fit_their_types(network: Any) -> None:
    keywords = network_keywords(network)
    keywords.model_validate(keywords().model_dump())
    assert keywords.model_json_schema()["properties"]


@pytest.mark.parametrize(
    "options",
    [
        {"name": "resnet", "width": 10**6},
        {"name": "resnet", "width": 10**30},
        {"name": "resnet", "blocks": 10**9},
        {"name": "resnet", "width": 4096},
        {"name": "lean", "depth": 64},
        {"name": "unet", "depth": 60},
        {"name": "unet", "depth": 9, "width": 1},
    ],
)
def test_networks_too_large_are_refused_before_memory_is_taken(options: dict[str, Any]) -> None:
    assert refused(generator=options).startswith("'generator")


def test_options_are_plain_values_of_the_file() -> None:
    recipe = parse(generator={"name": "unet", "depth": 3, "strength": True})
    assert recipe.generator.options == {"depth": 3, "strength": True}
    assert parse().generator.options == {}  # defaults are the constructor's


def test_keywords_that_are_not_yaml_values() -> None:
    assert "keywords of resnet are numbers, text" in refused(generator={"width": {1, 2}})
