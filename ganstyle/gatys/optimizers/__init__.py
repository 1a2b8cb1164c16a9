"""The optimizers, by name: one interface, one file each."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from importlib.util import find_spec

from torch import Tensor

from ganstyle.gatys.optimizers.adam import Adam
from ganstyle.gatys.optimizers.base import Optimizer, OutOfBudget, Point, Problem
from ganstyle.gatys.optimizers.cma_es import CMAES
from ganstyle.gatys.optimizers.langevin import Langevin
from ganstyle.gatys.optimizers.lbfgs import LBFGS
from ganstyle.gatys.optimizers.newton_cg import NewtonCG

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "adam": Adam,
    "cma-es": CMAES,
    "langevin": Langevin,
    "lbfgs": LBFGS,
    "newton-cg": NewtonCG,
}

__all__ = [
    "CMAES",
    "LBFGS",
    "OPTIMIZERS",
    "Adam",
    "Langevin",
    "NewtonCG",
    "Optimizer",
    "OutOfBudget",
    "Point",
    "Problem",
    "default_options",
    "installed_optimizers",
    "is_installed",
    "make_optimizer",
]


def is_installed(name: str) -> bool:
    """Say whether what an optimizer needs is installed."""
    module = OPTIMIZERS[name].requires
    return module is None or find_spec(module) is not None


def installed_optimizers() -> list[str]:
    """Return the names of the optimizers that can be used here."""
    return [name for name in OPTIMIZERS if is_installed(name)]


def default_options(name: str) -> dict[str, object]:
    """Return an optimizer's options and their defaults; without the seed."""
    return {it.name: it.default for it in fields(OPTIMIZERS[name]) if it.kw_only and it.name != "seed"}


def make_optimizer(
    name: str, problem: Problem, x: Tensor, *, options: Mapping[str, object], seed: int
) -> Optimizer:
    """Put an optimizer to work on a problem.

    Args:
        name: out of ``OPTIMIZERS``.
        problem: what is minimized.
        x: the start (n,).
        options: those of this optimizer.
        seed: of its random numbers, if it draws any.

    Raises:
        GanstyleError: the options make no sense.
    """
    kind: Callable[..., Optimizer] = OPTIMIZERS[name]
    random = {} if OPTIMIZERS[name].deterministic else {"seed": seed}
    return kind(problem, x, **options, **random)
