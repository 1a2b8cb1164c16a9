"""The optimizers, by name: one interface, one file each."""

from ganstyle.gatys.optimizers.adam import Adam
from ganstyle.gatys.optimizers.base import Optimizer, OutOfBudget, Point, Problem
from ganstyle.gatys.optimizers.cma_es import Anneal
from ganstyle.gatys.optimizers.langevin import Langevin
from ganstyle.gatys.optimizers.lbfgs import LBFGS
from ganstyle.gatys.optimizers.newton_cg import NewtonCG

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "adam": Adam,
    "anneal": Anneal,
    "langevin": Langevin,
    "lbfgs": LBFGS,
    "newton-cg": NewtonCG,
}

__all__ = [
    "LBFGS",
    "OPTIMIZERS",
    "Adam",
    "Anneal",
    "Langevin",
    "NewtonCG",
    "Optimizer",
    "OutOfBudget",
    "Point",
    "Problem",
]
