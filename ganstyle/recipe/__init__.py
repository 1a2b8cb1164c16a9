"""The recipe: one validated YAML file that says everything about a training."""

from ganstyle.recipe.difference import differences, flatten, settings_since
from ganstyle.recipe.fields import Count, Interval, NonNegative, Number, PathText, Positive, Side, Text
from ganstyle.recipe.networks import DiscriminatorSection, GeneratorSection
from ganstyle.recipe.run import GuardSection, RunRecipe, Section
from ganstyle.recipe.schema import LossSection, PhaseSection, PictureLossSection, Recipe, ScoreSection

__all__ = [
    "Count",
    "DiscriminatorSection",
    "GeneratorSection",
    "GuardSection",
    "Interval",
    "LossSection",
    "NonNegative",
    "Number",
    "PathText",
    "PhaseSection",
    "PictureLossSection",
    "Positive",
    "Recipe",
    "RunRecipe",
    "ScoreSection",
    "Section",
    "Side",
    "Text",
    "differences",
    "flatten",
    "settings_since",
]
