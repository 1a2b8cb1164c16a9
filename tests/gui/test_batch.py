import zipfile
from collections.abc import Callable
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
import torch

from ganstyle.gui.batch import BatchItem, History, HistoryEntry, paint_batch
from ganstyle.gui.context import StyleCatalog
from ganstyle.gui.inputs import Upload
from ganstyle.gui.sessions import JobStopped
from ganstyle.images import read_image
from ganstyle.style import load_style
from ganstyle.stylize import Controls


@pytest.fixture
def styles(make_style: Callable[..., Path], tmp_path: Path) -> StyleCatalog:
    (tmp_path / "styles").mkdir()
    for name in ("mine", "other"):
        make_style(name).rename(tmp_path / "styles" / f"{name}.safetensors")
    return StyleCatalog(tmp_path / "styles", torch.device("cpu"))


def test_paint_batch(styles: StyleCatalog, photos: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_text("no picture")
    items = [
        BatchItem(Upload(photos / "a.png", "a.png"), "mine", "a.png"),
        BatchItem(Upload(bad, "bad.jpg"), "mine", "bad.jpg"),
        BatchItem(Upload(photos / "a.png", "a.png"), "other", "a.png"),
    ]
    reports: list[tuple[str, float, list[Path]]] = []
    archive = tmp_path / "out" / "all.zip"
    archive.parent.mkdir()
    result = paint_batch(items, styles, Controls(0.5), archive, Event(), reports.append)
    assert [path.name for path in result.done] == ["a.png", "a (2).png"]
    assert len(result.skipped) == 1
    assert result.skipped[0].startswith("bad.jpg: not an image")
    shares = [share for _, share, _ in reports]
    assert shares == sorted(shares)
    assert reports[0][0] == "a.png in the style mine …"
    assert reports[-1][2] == result.done[:1]
    with zipfile.ZipFile(archive) as file:
        assert file.namelist() == ["a.png", "a (2).png"]
        assert file.read("a.png") == result.done[0].read_bytes()
    for path, name in zip(result.done, ("mine", "other"), strict=True):
        style = load_style(tmp_path / "styles" / f"{name}.safetensors")
        expected = style.paint(read_image(photos / "a.png"), Controls(0.5))
        assert (read_image(path) - expected).abs().max() < 0.01


def test_a_batch_that_is_stopped_leaves_no_archive(
    styles: StyleCatalog, photos: Path, tmp_path: Path
) -> None:
    stop = Event()
    items = [BatchItem(Upload(photos / "a.png", "a.png"), "mine", f"{number}.png") for number in range(3)]

    def report(event: tuple[str, float, list[Path]]) -> None:
        if event[2]:
            stop.set()

    with pytest.raises(JobStopped):
        paint_batch(items, styles, Controls(), tmp_path / "all.zip", stop, report)
    assert not (tmp_path / "all.zip").exists()


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
def test_caption(settings: tuple[str, float, bool, float], caption: str) -> None:
    assert HistoryEntry("x.png", "me.jpg in the style wave", settings).caption == caption


def test_history_is_newest_first_and_bounded() -> None:
    entries: list[HistoryEntry] = []
    for number in range(30):
        entry = HistoryEntry(f"{number}.png", "me.jpg", ("wave", number / 30, False, 1.0))
        entries, update = History.add(entries, entry)
    assert [each.picture for each in entries] == [f"{number}.png" for number in range(29, 5, -1)]
    assert update["value"][0] == ("29.png", entries[0].caption)
    assert update["visible"]


def test_a_click_brings_back_the_settings() -> None:
    entries = [HistoryEntry("x.png", "me.jpg", ("wave", 0.5, True, 2.0))]

    def click(index: Any) -> tuple[Any, ...]:
        return History.restore(entries, SimpleNamespace(index=index))  # type: ignore[arg-type]

    assert click(0) == ("wave", 0.5, True, 2.0)
    for index in (1, -1, None, "0"):
        assert click(index) == (gr.skip(),) * 4
