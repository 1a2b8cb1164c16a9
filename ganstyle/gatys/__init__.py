"""The classical baseline: a picture's pixels are optimised, by any of several kinds of optimiser."""

from ganstyle.gatys.events import Event, Iterate, Note, OnEvent, StopOptimization
from ganstyle.gatys.objective import Objective, Scene, Term, TermFactory
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
    "Scene",
    "StopOptimization",
    "Term",
    "TermFactory",
    "optimize",
]
