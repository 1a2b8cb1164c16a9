"""What differs between two recipes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ganstyle.recipe.run import RunRecipe


def differences(old: RunRecipe, new: RunRecipe, *, ignore: Sequence[str] = ()) -> list[str]:
    """List what differs, each as ``key: old -> new``; ``ignore`` names top-level keys."""
    before, after = flatten(old.to_dict()), flatten(new.to_dict())
    return [
        f"{key}: {json.dumps(before.get(key))} -> {json.dumps(after.get(key))}"
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key) and key.split(".")[0] not in ignore
    ]


def settings_since(written: Mapping[str, Any], recipe: RunRecipe, *, ignore: Sequence[str] = ()) -> list[str]:
    """List a recipe's settings that did not exist yet when another one was written out in full.

    Args:
        written: the plain values of the other one, by any version.
        recipe: by the present version.
        ignore: top-level keys.

    Returns:
        Each as ``key=value``.
    """
    known = flatten(written)
    return [
        f"{key}={json.dumps(value)}"
        for key, value in flatten(recipe.to_dict()).items()
        if key not in known and not {key.split(".")[0]} & {*ignore, *known}  # a section may be null there
    ]


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested values by their dotted keys, such as ``loss.style``; lists stay as they are."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
