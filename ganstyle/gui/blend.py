"""Blends of two styles, which a visitor can then choose like a style."""

import uuid
from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from ganstyle.errors import GanstyleError
from ganstyle.gui.components import SHORT_JOB, with_toasts

if TYPE_CHECKING:
    from ganstyle.gui.context import AppContext, StyleCatalog


class _Blend(NamedTuple):
    session: str
    label: str
    shares: dict[str, float]


class VisitorBlends:
    """Visitors' blends, by keys that cannot be guessed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._blends: dict[str, _Blend] = {}

    def add(self, session: str, shares: Mapping[str, float], label: Callable[[str], str]) -> str:
        """Add a blend and return its key.

        Args:
            session: the visitor.
            shares: by styles' keys, which may be blends too; they sum to 1.
            label: returns what a style is called.
        """
        plain: dict[str, float] = {}  # blends are taken apart, so that they do not nest without end
        for key, share in shares.items():
            for part, own in (self.shares(key) or {key: 1.0}).items():
                plain[part] = plain.get(part, 0.0) + share * own
        text = " + ".join(f"{label(key)} {share:.0%}" for key, share in plain.items())
        added = f"blend-{uuid.uuid4().hex}"
        with self._lock:
            self._blends[added] = _Blend(session, text, plain)
        return added

    def shares(self, key: str | None) -> dict[str, float] | None:
        """Return the shares of a blend's styles; None if it is no blend."""
        found = self._blends.get(key or "")
        return None if found is None else found.shares

    def choices(self, session: str) -> list[tuple[str, str]]:
        """Return a visitor's blends: what is shown, and the key."""
        with self._lock:
            return [(found.label, key) for key, found in self._blends.items() if found.session == session]

    def label(self, key: str) -> str | None:
        """Return what a blend is called; None if it is no blend."""
        found = self._blends.get(key)
        return None if found is None else found.label

    def forget(self, session: str) -> None:
        """Forget a visitor's blends."""
        with self._lock:
            self._blends = {key: found for key, found in self._blends.items() if found.session != session}


class BlendSection:
    """Builds the choice of a second style in the current Gradio context.

    Args:
        context: what all tabs share.
        style: where styles are chosen; the blend is added to its choices.
    """

    def __init__(self, context: "AppContext", style: gr.Dropdown) -> None:
        self._context = context
        with gr.Accordion("A blend with another style", open=False, elem_id="blend"):
            other = gr.Dropdown(context.styles.keys, label="Other style", value=None, elem_id="blend-other")
            share = gr.Slider(
                5, 95, value=50, step=5, label="Share of the other style (%)", elem_id="blend-share"
            )
            add = gr.Button("Blend", size="sm", elem_id="blend-add")
        add.click(with_toasts(self.add), [style, other, share], style, **SHORT_JOB)

    def add(self, style: str, other: str | None, percent: float, request: gr.Request) -> Any:
        """Offer a blend of the chosen style with another one, and choose it."""
        session, styles = str(request.session_hash), self._context.styles
        key = add_blend(styles, session, style, other, percent)
        return gr.update(choices=styles.choices(session), value=key)


def add_blend(styles: "StyleCatalog", session: str, style: str, other: str | None, percent: float) -> str:
    """Add a visitor's blend of two styles, and return its key.

    Args:
        styles: where to.
        session: the visitor.
        style: the first style's key.
        other: the second one's.
        percent: its share.

    Raises:
        GanstyleError: there is no such style, both are the same, or the share is out of range.
    """
    if other is None or other == style:
        raise GanstyleError("choose another style to blend with")
    if not 0 < percent < 100:
        raise GanstyleError(f"share {percent:g}: give a percentage between 0 and 100")
    for key in (style, other):
        styles.painter(key)  # an unknown one is refused here
    return styles.blends.add(session, {style: 1 - percent / 100, other: percent / 100}, styles.label)
