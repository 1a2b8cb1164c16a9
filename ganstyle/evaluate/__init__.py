"""How good a style is: scores of one, a ranking of many, and a comparison with the classical baseline."""

from ganstyle.evaluate.compare import Comparison, compare
from ganstyle.evaluate.models import EvaluationModels, load_evaluation_models
from ganstyle.evaluate.photos import choose_photos
from ganstyle.evaluate.ranking import rank, rank_folder
from ganstyle.evaluate.score import StyleScore, score_style

__all__ = [
    "Comparison",
    "EvaluationModels",
    "StyleScore",
    "choose_photos",
    "compare",
    "load_evaluation_models",
    "rank",
    "rank_folder",
    "score_style",
]
