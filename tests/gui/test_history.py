from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from ganstyle.gui.history import History, HistoryEntry


@pytest.mark.parametrize(
    ("settings", "caption"),
    [
        (("wave", 1.0, False, 1.0), "me.jpg in the style wave"),
        (
            ("wave", 0.5, True, 2.0),
            "me.jpg in the style wave, strength 0.5, the photo's colors, stroke size 2",
        ),
    ],
)
def test_history_caption(settings: tuple[str, float, bool, float], caption: str) -> None:
    assert HistoryEntry("x.png", "me.jpg in the style wave", settings).caption == caption


def test_history_is_newest_first_and_bounded() -> None:
    entries: list[HistoryEntry] = []
    for number in range(30):
        entry = HistoryEntry(f"{number}.png", "me.jpg", ("wave", number / 30, False, 1.0))
        entries, update = History.add(entries, entry)
    assert [each.picture for each in entries] == [f"{number}.png" for number in range(29, 5, -1)]
    assert update["value"][0] == ("29.png", entries[0].caption)
    assert update["visible"]


def test_click_restores_the_settings() -> None:
    entries = [HistoryEntry("x.png", "me.jpg", ("wave", 0.5, True, 2.0))]

    def click(index: Any) -> tuple[Any, ...]:
        return History.restore(entries, SimpleNamespace(index=index))  # type: ignore[arg-type]

    assert click(0) == ("wave", 0.5, True, 2.0)
    for index in (1, -1, None, "0"):
        assert click(index) == (gr.skip(),) * 4
