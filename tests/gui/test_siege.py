from collections.abc import Callable
from contextlib import AbstractContextManager

import psutil

from tests.chaos.siege import besiege
from tests.gui.conftest import Client, Served


def test_siege_short(another: Callable[..., AbstractContextManager[Served]]) -> None:
    """Of a server of its own: files of other tests' visitors would count as left over."""
    with another() as served:
        tally, state = besiege(served, 8, 5)
    assert not [outcome for outcome in tally if outcome.startswith("FAILED")], (tally, state)
    assert tally["picture"] or tally["line"]


def test_memory_is_freed_when_visitors_leave(another: Callable[..., AbstractContextManager[Served]]) -> None:
    """Gradio would keep 200 kB of each."""
    with another() as served:
        server = psutil.Process(served.process.pid)

        def visit(times: int) -> int:
            for number in range(times):
                client = Client(served.address, f"{times}-{number}")
                assert client.config
                client.leave()
                client.http.close()
            return int(server.memory_info().rss)

        before = visit(10)
        assert visit(40) - before < 40 * 100e3
