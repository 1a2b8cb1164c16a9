"""The classical baseline: the pixels of one picture are optimized, by any of several optimizers.

The settings load at once; everything else, and PyTorch with it, when it is first used.
"""

import importlib
from typing import TYPE_CHECKING

from ganstyle.gatys.settings import (
    CONTENT_LAYERS,
    DEFAULTS,
    LAYERS,
    STYLE_LAYERS,
    BenchmarkSettings,
    GatysSettings,
)

if TYPE_CHECKING:
    from ganstyle.gatys.events import (
        Iterate,
        OnOptimizationEvent,
        OptimizationEvent,
        StopOptimization,
    )
    from ganstyle.gatys.objective import Objective, ScaleInputs, Term, TermFactory
    from ganstyle.gatys.optimization import Result, optimize
    from ganstyle.gatys.optimizers import OPTIMIZERS, installed_optimizers

__all__ = [
    "CONTENT_LAYERS",
    "DEFAULTS",
    "LAYERS",
    "OPTIMIZERS",
    "STYLE_LAYERS",
    "BenchmarkSettings",
    "GatysSettings",
    "Iterate",
    "Objective",
    "OnOptimizationEvent",
    "OptimizationEvent",
    "Result",
    "ScaleInputs",
    "StopOptimization",
    "Term",
    "TermFactory",
    "installed_optimizers",
    "optimize",
]

_MODULES = {
    "OPTIMIZERS": "optimizers",
    "Iterate": "events",
    "Objective": "objective",
    "OnOptimizationEvent": "events",
    "OptimizationEvent": "events",
    "Result": "optimization",
    "ScaleInputs": "objective",
    "StopOptimization": "events",
    "Term": "objective",
    "TermFactory": "objective",
    "installed_optimizers": "optimizers",
    "optimize": "optimization",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'ganstyle.gatys' has no attribute '{name}'")
    value: object = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    return value
