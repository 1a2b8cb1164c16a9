"""Reading a recipe: YAML and overrides to plain values, and what is wrong with them to one line."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic_core import ErrorDetails

from ganstyle.errors import RecipeError


def read_recipe(path: str | Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Read a YAML file's keys and apply ``key=value`` overrides to them, without validating either.

    Raises:
        RecipeError: the file cannot be read or is not YAML, or an override is malformed.
    """
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror
        raise RecipeError(f"{path}: the recipe cannot be read ({reason}); check its path") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise RecipeError(f"{path}: the recipe is not valid YAML ({reason})") from error
    if not isinstance(values, dict):
        raise RecipeError(f"{path}: the recipe is not a list of 'key: value' lines")
    for override in overrides:
        _apply(override, values)
    return values


def _apply(override: str, values: dict[str, Any]) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise RecipeError(f"'{override}' is not an override; write key=value, such as steps=200")
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise RecipeError(f"'{override}': the value is not valid YAML; quote it") from error
    *parents, last = key.split(".")
    for parent in parents:
        if not isinstance(values.get(parent), dict):
            values[parent] = {}
        values = values[parent]
    values[last] = value


def explain(error: ErrorDetails, recipe: type[BaseModel]) -> str:
    """Turn one of pydantic's errors into a line that names the key as it stands in the YAML."""
    parts = [str(part) for part in error["loc"]]
    key = ".".join(parts)
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(parts[-1], _known_keys(recipe, parts[:-1]), n=1)
        hint = f"; did you mean '{'.'.join([*parts[:-1], near[0]])}'?" if near else ""
        return f"unknown key '{key}'{hint}"
    if error["type"] == "missing":
        return f"'{key}' is missing"
    reason = error["msg"].removeprefix("Value error, ")
    reason = reason[0].lower() + reason[1:] if reason.startswith("Input") else reason
    if not key:
        return reason
    # The input of a check over a whole section is that section: too long to repeat, and named by the key.
    given = "" if error["type"] == "value_error" else f" (got {error['input']!r})"
    return f"'{key}': {reason}{given}"


def _known_keys(section: type[BaseModel], parents: Sequence[str]) -> list[str]:
    for parent in parents:
        annotation = section.model_fields[parent].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        section = annotation
    return list(section.model_fields)
