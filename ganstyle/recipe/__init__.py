"""The recipe: one validated YAML file that says everything about a training."""

from ganstyle.recipe.difference import differences
from ganstyle.recipe.schema import (
    Count,
    DiscriminatorSection,
    GeneratorSection,
    Interval,
    LossSection,
    NonNegative,
    Number,
    PhaseSection,
    Positive,
    Recipe,
    RunRecipe,
    ScoreSection,
    Section,
)

__all__ = [
    "Count",
    "DiscriminatorSection",
    "GeneratorSection",
    "Interval",
    "LossSection",
    "NonNegative",
    "Number",
    "PhaseSection",
    "Positive",
    "Recipe",
    "RunRecipe",
    "ScoreSection",
    "Section",
    "differences",
]
