from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
import torch

from ganstyle.gui.history import History, HistoryEntry, source_of
from tests.gui.conftest import CONTROLS


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


def test_source_tells_photos_and_masks_apart() -> None:
    mask = torch.zeros(1, 1, 4, 4)
    mask[..., :2] = 1
    cases = [(Path("a.png"), None), (Path("b.png"), None), (Path("a.png"), mask), (Path("a.png"), 1 - mask)]
    assert len({source_of(*case) for case in cases}) == len(cases)
    assert source_of(Path("a.png"), mask) == source_of(Path("a.png"), mask.clone())


def test_late_preview_keeps_the_download_of_the_same_settings(client: Any, png: Callable[..., bytes]) -> None:
    """A preview may end after the picture at full size that was asked for later."""

    def offered(strength: float) -> bool:
        values, error = client.run("preview", None, "starry_night", strength, *CONTROLS[1:])
        assert error is None
        visible: bool = values[3]["visible"]
        return visible

    for seed in (0, 1):
        photo = client.upload("x.png", png(seed))
        _, error = client.run("receive", photo)
        assert error is None
        assert not offered(1)  # there is none of this photo
        _, error = client.run("stylize", photo, "starry_night", *CONTROLS)
        assert error is None
        assert [offered(strength) for strength in (1, 0.5, 1)] == [True, False, True]
