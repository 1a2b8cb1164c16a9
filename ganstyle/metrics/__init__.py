"""Numbers that say how good a style is."""

from ganstyle.metrics.similarity import YARDSTICK_LAYERS, Yardstick

__all__ = ["YARDSTICK_LAYERS", "Yardstick"]
