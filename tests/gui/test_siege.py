from collections.abc import Callable
from contextlib import AbstractContextManager

from tests.chaos.siege import besiege
from tests.gui.conftest import Served


def test_short_siege(another: Callable[..., AbstractContextManager[Served]]) -> None:
    """Of a server of its own: files of other tests' visitors would count as left over."""
    with another() as served:
        tally, state = besiege(served, 8, 5)
    assert not [outcome for outcome in tally if outcome.startswith("FAILED")], (tally, state)
    assert tally["picture"] or tally["line"]
