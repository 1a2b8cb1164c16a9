"""GAN-based adversarial style transfer, with the classical Gatys optimization as its baseline.

The names below are the public API; each loads its module on first use.
"""

import importlib
from typing import TYPE_CHECKING

from ganstyle._version import __version__

if TYPE_CHECKING:
    from ganstyle.composed import ComposedStyle, blend, regions
    from ganstyle.errors import GanstyleError
    from ganstyle.images import read_image, write_image
    from ganstyle.recipe import Recipe
    from ganstyle.style import Style, load_style, style_from
    from ganstyle.stylize import Controls, stylize_image
    from ganstyle.training import train
    from ganstyle.video import VideoSettings, stylize_video

__all__ = [
    "ComposedStyle",
    "Controls",
    "GanstyleError",
    "Recipe",
    "Style",
    "VideoSettings",
    "__version__",
    "blend",
    "load_style",
    "read_image",
    "regions",
    "style_from",
    "stylize_image",
    "stylize_video",
    "train",
    "write_image",
]

_MODULES = {
    "ComposedStyle": "ganstyle.composed",
    "Controls": "ganstyle.stylize",
    "GanstyleError": "ganstyle.errors",
    "Recipe": "ganstyle.recipe",
    "Style": "ganstyle.style",
    "VideoSettings": "ganstyle.video",
    "blend": "ganstyle.composed",
    "load_style": "ganstyle.style",
    "read_image": "ganstyle.images",
    "regions": "ganstyle.composed",
    "style_from": "ganstyle.style",
    "stylize_image": "ganstyle.stylize",
    "stylize_video": "ganstyle.video",
    "train": "ganstyle.training",
    "write_image": "ganstyle.images",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'ganstyle' has no attribute '{name}'")
    value: object = getattr(importlib.import_module(_MODULES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
