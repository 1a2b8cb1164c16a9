"""What is known of each optimizer without running it."""

import sys

import pytest
import torch

from ganstyle.errors import GanstyleError
from ganstyle.gatys.checks import check_optimizer
from ganstyle.gatys.optimizers import (
    OPTIMIZERS,
    Problem,
    default_options,
    installed_optimizers,
    make_optimizer,
)


def test_default_options_are_the_keywords_without_the_seed() -> None:
    assert default_options("lbfgs") == {"history": 10, "first_step": 0.02}
    assert default_options("adam")["betas"] == (0.9, 0.99)
    assert all("seed" not in default_options(name) for name in OPTIMIZERS)


def test_facts_about_optimizers() -> None:
    assert {name for name, kind in OPTIMIZERS.items() if not kind.deterministic} == {"cma-es", "langevin"}
    assert {name for name, kind in OPTIMIZERS.items() if kind.gradient_free} == {"cma-es"}
    assert {name for name, kind in OPTIMIZERS.items() if kind.scheduled} == {"langevin"}


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_make_optimizer_with_default_options(name: str) -> None:
    problem = Problem(lambda x: x.square().sum(), grid=(3, 2, 2))
    point = make_optimizer(name, problem, torch.ones(12), options=default_options(name), seed=0).step()
    assert point is not None
    assert point.loss == 12


def test_optimizer_whose_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installed_optimizers() == list(OPTIMIZERS)
    monkeypatch.setitem(sys.modules, "cma", None)
    assert installed_optimizers() == [name for name in OPTIMIZERS if name != "cma-es"]
    with pytest.raises(GanstyleError, match=r"cma-es needs cma.*pip install 'ganstyle\[cma-es\]'"):
        check_optimizer("cma-es", {})
