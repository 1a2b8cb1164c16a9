from tests.chaos.siege import besiege
from tests.gui.conftest import Served


def test_short_siege(served: Served) -> None:
    tally, state = besiege(served, 8, 5)
    assert not [outcome for outcome in tally if outcome.startswith("FAILED")], (tally, state)
    assert tally["picture"] or tally["line"]
