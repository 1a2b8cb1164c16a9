"""Distilling VGG-16 into the small network that ships with ganstyle."""

from ganstyle.distill.loop import Distilled, distill
from ganstyle.distill.recipe import DistillationRecipe

__all__ = ["DistillationRecipe", "Distilled", "distill"]
