"""Score one style, rank several, or compare one with the classical baseline."""

from ganstyle.evaluate.compare import StyleComparison, compare_with_gatys
from ganstyle.evaluate.models import load_evaluation_models, style_evaluator
from ganstyle.evaluate.photos import choose_photos
from ganstyle.evaluate.ranking import Ranking, rank, rank_folder
from ganstyle.evaluate.score import StyleScore, score_style
from ganstyle.metrics import EvaluationModels

__all__ = [
    "EvaluationModels",
    "Ranking",
    "StyleComparison",
    "StyleScore",
    "choose_photos",
    "compare_with_gatys",
    "load_evaluation_models",
    "rank",
    "rank_folder",
    "score_style",
    "style_evaluator",
]
