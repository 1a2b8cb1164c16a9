"""A training small enough for a test."""

from collections.abc import Callable
from typing import Any

import pytest

from ganstyle.recipe import Recipe


@pytest.fixture
def tiny_recipe(tiny: Callable[..., dict[str, Any]]) -> Recipe:
    return Recipe.parse(tiny(), source="test")
