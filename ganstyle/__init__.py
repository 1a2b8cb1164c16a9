"""GAN-based adversarial style transfer, with the classical Gatys optimisation as its baseline.

The names below are the public door; each is loaded when it is first used, so that importing ganstyle costs
nothing.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganstyle.checkpoint import Style, load_style
    from ganstyle.errors import GanstyleError
    from ganstyle.images import read_image, write_image
    from ganstyle.recipe import Recipe
    from ganstyle.stylize import Controls, stylize_image
    from ganstyle.training import train

__version__ = "0.1.0"

__all__ = [
    "Controls",
    "GanstyleError",
    "Recipe",
    "Style",
    "load_style",
    "read_image",
    "stylize_image",
    "train",
    "write_image",
]

_HOMES = {
    "Controls": "ganstyle.stylize",
    "GanstyleError": "ganstyle.errors",
    "Recipe": "ganstyle.recipe",
    "Style": "ganstyle.checkpoint",
    "load_style": "ganstyle.checkpoint",
    "read_image": "ganstyle.images",
    "stylize_image": "ganstyle.stylize",
    "train": "ganstyle.training",
    "write_image": "ganstyle.images",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'ganstyle' has no attribute '{name}'")
    value: object = getattr(importlib.import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
