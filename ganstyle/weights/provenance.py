"""What a checkpoint says of its training: checked, since others read it as if we had written it."""

import math
from collections.abc import Mapping
from typing import Any


def check_info(info: Mapping[str, Any]) -> None:
    """Check the parts of a style's ``info`` that are shown and compared; other keys may hold anything.

    Raises:
        ValueError: one is of another kind than `ganstyle train` writes.
    """
    for part, keys in _PARTS.items():
        values = info.get(part)
        if values is None:
            continue
        if not isinstance(values, dict):
            raise ValueError(f"info.{part} is not an object")
        for key, kind in keys.items():
            if not _fits(values.get(key), kind):
                raise ValueError(f"info.{part}.{key} is not {'text' if kind is str else 'a number'}")


_PARTS: Mapping[str, Mapping[str, type]] = {
    "vgg": {"name": str, "sha256": str},
    "training": {"steps": int, "photos": int, "seconds": float, "hardware": str},
    "scores": dict.fromkeys(("content", "style", "style_coarse"), float),
}


def _fits(value: object, kind: type) -> bool:
    if value is None or kind is str:
        return value is None or isinstance(value, str)
    if isinstance(value, bool) or not isinstance(value, int if kind is int else int | float):
        return False
    return abs(value) < 2**63 and (kind is int or math.isfinite(value) or math.isnan(value))
