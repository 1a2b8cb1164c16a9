"""Styles from paintings that nothing was trained on: the generator for any painting, and paintings' codes."""

from ganstyle.anystyle.adapt import ADAPTATION_STEPS, adapt_generator, photo_view
from ganstyle.anystyle.baked import BakedStyle, bake_style
from ganstyle.anystyle.checkpoint import (
    SHIPPED_ANY,
    AnyPainting,
    encode,
    find_any,
    is_any,
    load_any,
    save_any,
)
from ganstyle.anystyle.code import StyleCode, is_code, load_code, save_code
from ganstyle.anystyle.refine import REFINEMENT_STEPS, refine_code

__all__ = [
    "ADAPTATION_STEPS",
    "REFINEMENT_STEPS",
    "SHIPPED_ANY",
    "AnyPainting",
    "BakedStyle",
    "StyleCode",
    "adapt_generator",
    "bake_style",
    "encode",
    "find_any",
    "is_any",
    "is_code",
    "load_any",
    "load_code",
    "photo_view",
    "refine_code",
    "save_any",
    "save_code",
]
