"""The pictures that a visitor has made, with the settings of each."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from torch import Tensor

from ganstyle.gui.components import LIGHT_EVENT, aside, picture_grid

_REMEMBERED = 24  # pictures


@dataclass(frozen=True)
class HistoryEntry:
    """A picture that was made, and how.

    Attributes:
        picture: its file.
        title: which photo, in which style.
        settings: the style's key, strength, whether the photo's colors were kept, and stroke size.
        source: what it was made of, as `source_of` says.
    """

    picture: str
    title: str
    settings: tuple[str, float, bool, float]
    source: str = ""

    @property
    def caption(self) -> str:
        """What stands below the picture."""
        _, strength, keep, stroke_size = self.settings
        notes = [f"strength {strength:g}" if strength != 1 else "", "the photo's colors" if keep else ""]
        notes.append(f"stroke size {stroke_size:g}" if stroke_size != 1 else "")
        return ", ".join(filter(None, [self.title, *notes]))


def source_of(photo: Path, mask: Tensor | None) -> str:
    """Return a text that is another one for each photo and for each part of it that a mask chooses."""
    part = "" if mask is None else hashlib.sha256(mask.numpy().tobytes()).hexdigest()
    return f"{photo} {part}"


class History:
    """Builds the pictures of this visit in the current Gradio context.

    Args:
        settings: the inputs for style, strength, colors and stroke size; a click on a picture sets them.

    Attributes:
        entries: what has been made, the latest first.
        grid: shows it.
    """

    def __init__(self, settings: Sequence[Any]) -> None:
        self.entries = gr.State([])
        with gr.Accordion("History of this visit", open=False, elem_id="history"):
            gr.HTML(
                aside(
                    "What you stylize at full size stays here until you close the page. "
                    "A click on a picture brings back its settings."
                )
            )
            self.grid = picture_grid("This visit", "history-pictures")
        self.grid.select(self.restore, self.entries, list(settings), **LIGHT_EVENT)

    @staticmethod
    def add(entries: list[HistoryEntry], entry: HistoryEntry) -> tuple[list[HistoryEntry], Any]:
        """Return the entries with another one, and the grid that shows them."""
        entries = [entry, *entries][:_REMEMBERED]
        grid = [(each.picture, each.caption) for each in entries]
        return entries, gr.update(value=grid, visible=True, selected_index=None)

    @staticmethod
    def restore(entries: list[HistoryEntry], event: gr.SelectData) -> tuple[Any, ...]:
        """Return the settings of the picture that was clicked."""
        if event.index not in range(len(entries)):
            return (gr.skip(),) * 4
        settings: tuple[Any, ...] = entries[event.index].settings
        return settings
