"""What is wrong with a recipe, in one line."""

import difflib
import reprlib
from collections.abc import Sequence

from pydantic import BaseModel
from pydantic_core import ErrorDetails

_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 100
_REPR.maxlevel = 2


def explain(error: ErrorDetails, recipe: type[BaseModel]) -> str:
    """Turn one of pydantic's errors into a line that names the key as it stands in the YAML."""
    parts, given = [str(part)[:100] for part in error["loc"] if not _is_internal(part)], error["input"]
    if error["type"] == "keyword":  # of a network, found by its section's check
        parts.append(error["ctx"]["key"])
        given = error["ctx"]["given"]
    key = ".".join(parts)
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(parts[-1], _known_keys(recipe, parts[:-1]), n=1)
        hint = f"; did you mean '{'.'.join([*parts[:-1], near[0]])}'?" if near else ""
        return f"unknown key '{key}'{hint}"
    if error["type"] == "missing":
        return f"'{key}' is missing"
    reason = error["msg"].removeprefix("Value error, ").replace("Input should", "should")
    if error["type"] in ("model_type", "dict_type"):
        reason = "should be a section, lines of 'key: value'"
    if not key:
        return reason
    # The input of a check over a whole section is that section: too long to repeat, and named by the key.
    shown = "" if error["type"] == "value_error" else f" (got {_REPR.repr(given)})"
    return f"'{key}': {reason}{shown}"


def _is_internal(part: int | str) -> bool:
    """Say whether a part of an error's place is pydantic's own or a union's tag, rather than a key."""
    return str(part).startswith(("(", "[key]"))


def _known_keys(section: type[BaseModel], parents: Sequence[str]) -> list[str]:
    for parent in parents:
        annotation = section.model_fields[parent].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        section = annotation
    return list(section.model_fields)
