"""Styles from paintings that nothing was trained on: the generator for any painting, and paintings' codes."""

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
    "REFINEMENT_STEPS",
    "SHIPPED_ANY",
    "AnyPainting",
    "BakedStyle",
    "StyleCode",
    "bake_style",
    "encode",
    "find_any",
    "is_any",
    "is_code",
    "load_any",
    "load_code",
    "refine_code",
    "save_any",
    "save_code",
]
