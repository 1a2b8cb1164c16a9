"""Reading a recipe: YAML, overrides and old spellings to plain values, without validating them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganstyle.errors import RecipeError
from ganstyle.recipe.strict_yaml import LONGEST, parse_yaml
from ganstyle.shipped import find_recipe, similar_name


def read_recipe(path: str | Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Read a recipe's keys and apply ``key=value`` overrides to them, without validating either.

    Args:
        path: a YAML 1.2 file, or the name of a shipped recipe.
        overrides: as for `RunRecipe.load`.

    Raises:
        RecipeError: the file cannot be read or is not YAML, or an override is malformed.
    """
    try:
        with find_recipe(path).open(encoding="utf-8-sig") as file:
            values = parse_yaml(file.read(LONGEST + 1))
    except OSError as error:
        hint = similar_name(path) or "; check its path, or choose one of: ganstyle recipes"
        raise RecipeError(f"{path}: the recipe cannot be read ({error.strerror}){hint}") from error
    except ValueError as error:
        raise RecipeError(f"{path}: the recipe is not valid YAML ({error})") from error
    if not isinstance(values, dict):
        raise RecipeError(f"{path}: the recipe is not a list of 'key: value' lines")
    for override in overrides:
        _apply(override, values)
    return values


def rename_keys(values: Mapping[str, Any], renamed: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Give keys of older versions their present names.

    Args:
        values: plain values; left as they are.
        renamed: ``section.key`` → its present name in the same section.

    Returns:
        The values under their present names, and which old keys there were.
    """
    current, found = dict(values), []
    for old, new in renamed.items():
        section, old_key, new_key = *old.split("."), new.split(".")[1]
        part = current.get(section)
        if isinstance(part, dict) and old_key in part and new_key not in part:
            current[section] = {(new_key if key == old_key else key): value for key, value in part.items()}
            found.append(old)
    return current, found


def _apply(override: str, values: dict[str, Any]) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise RecipeError(f"'{override}' is not an override; write key=value, such as steps=200")
    try:
        value = parse_yaml(text)
    except ValueError as error:
        raise RecipeError(f"'{override}': the value is not valid YAML ({error}); quote it") from error
    *parents, last = key.split(".")
    for parent in parents:
        if not isinstance(values.get(parent), dict):
            values[parent] = {}
        values = values[parent]
    values[last] = value
