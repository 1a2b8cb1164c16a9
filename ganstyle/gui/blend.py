"""Blends of two styles, and styles with another one in a part of the photo, to be chosen like a style."""

import uuid
from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr
from torch import Tensor

from ganstyle.composed import blend, regions
from ganstyle.errors import GanstyleError
from ganstyle.gui.components import SHORT_JOB, with_toasts
from ganstyle.gui.inputs import Upload, small_photo_input
from ganstyle.images import shrink
from ganstyle.images.color import luminance
from ganstyle.stylize import PhotoPainter

if TYPE_CHECKING:
    from ganstyle.gui.context import AppContext, StyleCatalog

_MASK_SIDE = 2048  # pixels of a mask that are kept; its soft edge hides more


class _Blend(NamedTuple):
    session: str
    label: str
    shares: dict[str, float]
    parts: tuple[tuple[Tensor, str], ...] = ()  # masks, and the style of each


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

    def add_part(self, session: str, base: str, mask: Tensor, other: str, label: Callable[[str], str]) -> str:
        """Add a style with another one in a part of the photo, and return its key.

        Args:
            session: the visitor.
            base: the key of the style of the rest, which may have such parts already.
            mask: (1, 1, H, W) in [0, 1]; 1 is the part.
            other: the key of the part's style, which has no parts itself.
            label: returns what a style is called.
        """
        before = self._blends.get(base)
        shares, parts = (before.shares, before.parts) if before else ({base: 1.0}, ())
        text = f"{label(base)}, {label(other)} in a part"
        added = f"part-{uuid.uuid4().hex}"
        with self._lock:
            self._blends[added] = _Blend(session, text, shares, (*parts, (mask, other)))
        return added

    def painter(self, key: str | None, style: Callable[[str], PhotoPainter]) -> PhotoPainter | None:
        """Return what paints a blend, from its styles; None if it is no blend."""
        found = self._blends.get(key or "")
        if found is None:
            return None
        base = blend([(style(part), share) for part, share in found.shares.items()])
        if not found.parts:
            return base
        pairs = [(mask, self.painter(other, style) or style(other)) for mask, other in found.parts]
        return regions(pairs, base=base)

    def shares(self, key: str) -> dict[str, float] | None:
        """Return the shares of a blend's styles; None if it is no blend.

        Raises:
            GanstyleError: it has other styles in parts of the photo.
        """
        found = self._blends.get(key)
        if found is not None and found.parts:
            raise GanstyleError(f"{found.label}: has parts, and so cannot be part of another style")
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
        return _choose(styles, session, add_blend(styles, session, style, other, percent))


class PartSection:
    """Builds the choice of another style for a part of the photo in the current Gradio context.

    Args:
        context: what all tabs share.
        style: where styles are chosen; the result is added to its choices.
    """

    def __init__(self, context: "AppContext", style: gr.Dropdown) -> None:
        self._context = context
        with gr.Accordion("Another style in a part", open=False, elem_id="region"):
            other = gr.Dropdown(
                context.styles.keys, label="Style of the part", value=None, elem_id="region-other"
            )
            mask = small_photo_input("Mask: white is the part", "region-mask")
            add = gr.Button("Add the part", size="sm", elem_id="region-add")
        add.click(with_toasts(self.add), [style, mask, other], style, **SHORT_JOB)

    def add(self, style: str, mask: Upload | None, other: str | None, request: gr.Request) -> Any:
        """Offer the chosen style with another one where the mask is white, and choose it."""
        session, styles = str(request.session_hash), self._context.styles
        return _choose(styles, session, add_part(styles, session, style, mask, other))


def _choose(styles: "StyleCatalog", session: str, key: str) -> Any:
    """Return the update of the dropdown of styles that offers a new style and chooses it."""
    return gr.update(choices=styles.choices(session), value=key)


def add_part(styles: "StyleCatalog", session: str, style: str, mask: Upload | None, other: str | None) -> str:
    """Add a style with another one in a part of the photo, and return its key.

    Args:
        styles: where to.
        session: the visitor.
        style: the key of the rest's style.
        mask: an image of the photo's proportions; white is the part.
        other: the key of the part's style.

    Raises:
        GanstyleError: there is no such style, the part's style has parts itself, or the mask is missing, no
            image, or black.
    """
    if other is None or mask is None:
        raise GanstyleError("choose a mask and the style of its white part")
    styles.painter(style)
    styles.blends.shares(other)
    white = luminance(shrink(mask.read(), _MASK_SIDE))
    regions([(white, styles.painter(other))])  # what does not fit together is refused here
    return styles.blends.add_part(session, style, white, other, styles.label)


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
