"""The classical baseline: a picture's pixels are optimized, by any of several kinds of optimizer."""

from ganstyle.gatys.events import Event, Iterate, Note, OnEvent, StopOptimization
from ganstyle.gatys.objective import Objective, ScaleInputs, Term, TermFactory
from ganstyle.gatys.optimize import CONTENT_LAYERS, LAYERS, STYLE_LAYERS, Result, optimize
from ganstyle.gatys.optimizers import OPTIMIZERS

__all__ = [
    "CONTENT_LAYERS",
    "LAYERS",
    "OPTIMIZERS",
    "STYLE_LAYERS",
    "Event",
    "Iterate",
    "Note",
    "Objective",
    "OnEvent",
    "Result",
    "ScaleInputs",
    "StopOptimization",
    "Term",
    "TermFactory",
    "optimize",
]
