"""What the Stylize tab makes of a photo, without its components."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
import torch

from ganstyle.errors import GanstyleError, ImageError
from ganstyle.gui.catalog import StyleCatalog
from ganstyle.gui.inputs import Upload
from ganstyle.gui.sessions import Sessions
from ganstyle.gui.stylize import StylizeTab
from ganstyle.style import shipped_styles

REQUEST: Any = SimpleNamespace(session_hash="me")


@pytest.fixture
def styles(make_style: Callable[..., Path], tmp_path: Path) -> StyleCatalog:
    folder = tmp_path / "styles"
    folder.mkdir()
    make_style("mine").rename(folder / "mine.safetensors")
    return StyleCatalog(folder, torch.device("cpu"))


@pytest.fixture
def tab(styles: StyleCatalog, tmp_path: Path) -> StylizeTab:
    (tmp_path / "files").mkdir()
    tab = object.__new__(StylizeTab)
    context: Any = SimpleNamespace(styles=styles, sessions=Sessions(tmp_path / "files", 1000))
    tab._context = context
    return tab


def offered_by(outputs: tuple[Any, ...]) -> list[str]:
    """Return the styles in which a photo is shown."""
    keys = [key for _, key in outputs[3]["value"]]
    assert [key for _, key in outputs[2]] == keys  # what a click on a picture is looked up in
    return keys


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("torn")])
def test_photo_is_shown_although_a_style_cannot_be_loaded(
    tab: StylizeTab, photos: Path, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    damage(tmp_path / "styles" / "mine.safetensors")
    *_, last = tab.receive(Upload(photos / "a.png", "a.png"), REQUEST)
    assert last[0].upload.name == "a.png"
    assert offered_by(last) == list(shipped_styles())
    assert Path(last[4]).is_file()  # what the brush paints over


def test_photo_that_no_style_can_paint(
    tab: StylizeTab, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: StyleCatalog, key: str) -> None:
        raise GanstyleError(f"{key}: cannot be loaded")

    monkeypatch.setattr(StyleCatalog, "__getitem__", fail)
    with pytest.raises(GanstyleError, match="cannot be loaded"):
        list(tab.receive(Upload(photos / "a.png", "a.png"), REQUEST))


def test_unreadable_photo_is_refused(tab: StylizeTab, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"gone\.png: is no longer on the server"):
        list(tab.receive(Upload(tmp_path / "gone.png", "gone.png"), REQUEST))


def test_click_on_a_picture_chooses_its_style(tab: StylizeTab) -> None:
    def click(index: Any) -> Any:
        event: Any = SimpleNamespace(index=index)
        return tab.choose([("1.jpg", "wave"), ("2.jpg", "mine")], event)

    assert (click(0), click(1)) == ("wave", "mine")
    assert click(2) == click(None) == gr.skip()


def test_own_paintings_are_among_the_pictures(
    tab: StylizeTab, painting: Path, any_painting: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANSTYLE_ANY", str(any_painting))
    styles = tab._context.styles
    *_, last = tab.receive(Upload(photos / "a.png", "a.png"), REQUEST)
    loaded, offered = last[0], last[2]
    key = styles.add_painting("me", Upload(painting, "p.png"))
    for _ in range(2):  # a refined style's picture takes the place of the one before
        offered, shown = tab.show_painting(loaded, offered, key, REQUEST)
        assert [each for _, each in offered] == [*styles.keys, key]
        assert shown["value"][-1] == (offered[-1][0], "p.png")
        assert Path(offered[-1][0]).is_file()
    # The next photo is shown in it as well.
    *_, last = tab.receive(Upload(photos / "b.jpg", "b.jpg"), REQUEST)
    assert [each for _, each in last[2]] == [*styles.keys, key]
    for nothing in (
        tab.show_painting(None, offered, key, REQUEST),
        tab.show_painting(loaded, offered, "wave", REQUEST),
        tab.show_painting(
            loaded, offered, styles.add_painting("another", Upload(painting, "p.png")), REQUEST
        ),
    ):
        assert nothing == (gr.skip(), gr.skip())
