"""Numbers that say how good a style is."""

from ganstyle.metrics.distributions.frechet import frechet_distance
from ganstyle.metrics.distributions.kid import kernel_distance
from ganstyle.metrics.evaluator import HIGHER_IS_BETTER, Evaluator, ScoreAccumulator
from ganstyle.metrics.models import EvaluationModels
from ganstyle.metrics.reference import StyleReference
from ganstyle.metrics.similarity.yardstick import YARDSTICK_LAYERS, Yardstick

__all__ = [
    "HIGHER_IS_BETTER",
    "YARDSTICK_LAYERS",
    "EvaluationModels",
    "Evaluator",
    "ScoreAccumulator",
    "StyleReference",
    "Yardstick",
    "frechet_distance",
    "kernel_distance",
]
