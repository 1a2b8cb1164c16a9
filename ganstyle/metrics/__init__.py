"""Numbers that say how good a style is."""

from ganstyle.metrics.evaluator import HIGHER_IS_BETTER, Evaluator, ScoreAccumulator
from ganstyle.metrics.frechet import frechet_distance
from ganstyle.metrics.kid import kernel_distance
from ganstyle.metrics.reference import StyleReference
from ganstyle.metrics.similarity import YARDSTICK_LAYERS, Yardstick

__all__ = [
    "HIGHER_IS_BETTER",
    "YARDSTICK_LAYERS",
    "Evaluator",
    "ScoreAccumulator",
    "StyleReference",
    "Yardstick",
    "frechet_distance",
    "kernel_distance",
]
