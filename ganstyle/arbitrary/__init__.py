"""Training a generator that paints in the style of any painting."""

from ganstyle.arbitrary.loop import TrainedAny, train_any
from ganstyle.arbitrary.recipe import AnyRecipe

__all__ = ["AnyRecipe", "TrainedAny", "train_any"]
