"""What the tests of resuming share: trainings that say what happened, and that break off."""

from collections.abc import Callable
from typing import Any

import pytest

from ganstyle.recipe import Recipe
from ganstyle.training import Event, Message, Progress, TrainedStyle, train


@pytest.fixture
def run_training() -> Callable[..., tuple[list[str], TrainedStyle]]:
    """Return a function that trains, and returns what was said and the outcome."""

    def run(
        recipe: Recipe, on_event: Callable[[Event], None] = lambda event: None
    ) -> tuple[list[str], TrainedStyle]:
        said: list[str] = []

        def listen(event: Event) -> None:
            if isinstance(event, Message):
                said.append(event.text)
            on_event(event)

        return said, train(recipe, listen)

    return run


@pytest.fixture
def die_at() -> Callable[[int], Callable[[Event], None]]:
    """Return a function that returns a listener, which breaks a training off at a step."""

    def listener(step: int) -> Callable[[Event], None]:
        def die(event: Any) -> None:
            if isinstance(event, Progress) and event.step == step:
                raise KeyboardInterrupt

        return die

    return listener


@pytest.fixture
def states() -> Callable[[Recipe], list[str]]:
    """Return a function that lists the names of a run's training states."""
    return lambda recipe: sorted(path.name for path in (recipe.folder / "checkpoints").iterdir())
