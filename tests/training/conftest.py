"""A training small enough for a test, and what it logs."""

from collections.abc import Callable
from typing import Any

import pytest

from ganstyle.recipe import Recipe
from ganstyle.runs.events import Progress
from ganstyle.training import train


@pytest.fixture
def tiny_recipe(tiny: Callable[..., dict[str, Any]]) -> Recipe:
    return Recipe.parse(tiny(), source="test")


def logged_values(recipe: Recipe) -> list[dict[str, float]]:
    """Train; return what each step logged."""
    logged: list[dict[str, float]] = []
    train(recipe, lambda event: logged.append(dict(event.values)) if isinstance(event, Progress) else None)
    return logged
