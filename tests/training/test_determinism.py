"""What a seed fixes: everything on a CPU, for any number of workers, and of threads but for rounding."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ganstyle.recipe import Recipe
from ganstyle.training import train

Train = Callable[..., dict[str, Tensor]]


@pytest.fixture
def trained(tiny: Callable[..., dict[str, Any]]) -> Train:
    """Return a function that trains for two steps, and returns all weights."""

    def trained(name: str, **changes: Any) -> dict[str, Tensor]:
        recipe = Recipe.parse(tiny(name=name, steps=2, **changes), source="test")
        train(recipe)
        state = torch.load(recipe.folder / Path("checkpoints/step-000002/state.pt"), weights_only=True)
        return {
            f"{network}.{key}": value
            for network in ("generator", "average", "discriminator")
            for key, value in state[network].items()
        }

    return trained


def assert_equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


def test_seed_fixes_weights_for_any_number_of_workers(trained: Train) -> None:
    none = trained("none")
    torch.rand(7)  # the global generator plays no part
    assert_equal(none, trained("again"))
    assert_equal(none, trained("two", workers=2))
    other = trained("other", seed=1)
    assert any(not torch.equal(none[name], other[name]) for name in none)


def test_threads_change_weights_by_rounding_at_most(trained: Train) -> None:
    one = trained("one")
    torch.set_num_threads(2)
    try:
        two, again = trained("two"), trained("again")
    finally:
        torch.set_num_threads(1)
    assert_equal(two, again)
    # Adam turns the sign of a gradient that is nothing but rounding into a whole step, hence the bound.
    for name, weight in one.items():
        assert (weight - two[name]).abs().max() <= 2 * 2 * 1e-3, name
