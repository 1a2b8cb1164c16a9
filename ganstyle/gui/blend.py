"""Blends of two styles, and styles with another one in a part of the photo, to be chosen like a style."""

import uuid
from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr
import torch
from torch import Tensor

from ganstyle.composed import blend, regions
from ganstyle.errors import GanstyleError
from ganstyle.gui.components import SHORT_JOB, claim_uploads, with_toasts
from ganstyle.gui.inputs import Upload, small_photo_input
from ganstyle.images import shrink
from ganstyle.images.color import luminance
from ganstyle.stylize import PhotoPainter

if TYPE_CHECKING:
    from ganstyle.gui.catalog import StyleCatalog
    from ganstyle.gui.context import AppContext

_MASK_SIDE = 2048  # pixels of a mask that are kept; its soft edge hides more
_MOST_KEPT = 24  # blends and styles with parts of a visitor, in which there are as many masks at most


class _Blend(NamedTuple):
    session: str
    label: str
    shares: dict[str, float]
    parts: tuple[tuple[Tensor, str], ...] = ()  # masks in 8 bits, and the style of each


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

        Raises:
            GanstyleError: one of them has other styles in parts of the photo, or the visitor has too many.
        """
        plain: dict[str, float] = {}  # blends are taken apart, so that they do not nest without end
        for key, share in shares.items():
            for part, own in (self.shares(key) or {key: 1.0}).items():
                plain[part] = plain.get(part, 0.0) + share * own
        text = " + ".join(f"{label(key)} {share:.0%}" for key, share in plain.items())
        return self._keep("blend", _Blend(session, text, plain))

    def add_part(self, session: str, base: str, mask: Tensor, other: str, label: Callable[[str], str]) -> str:
        """Add a style with another one in a part of the photo, and return its key.

        Args:
            session: the visitor.
            base: the key of the style of the rest, which may have such parts already.
            mask: (1, 1, H, W) in [0, 1]; 1 is the part.
            other: the key of the part's style, which has no parts itself.
            label: returns what a style is called.

        Raises:
            GanstyleError: the visitor has too many.
        """
        before = self._blends.get(base)
        shares, parts = (before.shares, before.parts) if before else ({base: 1.0}, ())
        text = f"{label(base)}, {label(other)} in a part"
        levels = (mask * 255 + 0.5).to(torch.uint8)  # a quarter of the memory; the image file had 8 bits too
        return self._keep("part", _Blend(session, text, shares, (*parts, (levels, other))))

    def _keep(self, kind: str, made: _Blend) -> str:
        key = f"{kind}-{uuid.uuid4().hex}"
        with self._lock:
            if sum(found.session == made.session for found in self._blends.values()) >= _MOST_KEPT:
                raise GanstyleError(
                    f"there are {_MOST_KEPT} blends and styles with parts already, the most for one visit; "
                    "choose one of them, or reload the page to begin anew"
                )
            self._blends[key] = made
        return key

    def painter(self, key: str | None, style: Callable[[str], PhotoPainter]) -> PhotoPainter | None:
        """Return what paints a blend, from its styles; None if it is no blend."""
        found = self._blends.get(key or "")
        if found is None:
            return None
        base = blend([(style(part), share) for part, share in found.shares.items()])
        if not found.parts:
            return base
        pairs = [(levels / 255, self.painter(other, style) or style(other)) for levels, other in found.parts]
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

    Attributes:
        other: the menu of the second style.
    """

    def __init__(self, context: "AppContext", style: gr.Dropdown) -> None:
        self._context = context
        with gr.Accordion("A blend with another style", open=False, elem_id="blend"):
            self.other = other = gr.Dropdown(
                context.styles.keys, label="Other style", value=None, elem_id="blend-other"
            )
            share = gr.Slider(
                5, 95, value=50, step=5, label="Share of the other style (%)", elem_id="blend-share"
            )
            add = gr.Button("Blend", size="sm", elem_id="blend-add")
        add.click(with_toasts(self.add), [style, other, share], style, **SHORT_JOB)

    def add(self, style: str, other: str | None, percent: float, request: gr.Request) -> Any:
        """Offer a blend of the chosen style with another one, and choose it."""
        session, styles = str(request.session_hash), self._context.styles
        return _choose(self._context, session, add_blend(styles, session, style, other, percent))


class PartSection:
    """Builds the choice of another style for a part of the photo in the current Gradio context.

    Args:
        context: what all tabs share.
        style: where styles are chosen; the result is added to its choices.

    Attributes:
        other: the menu of the part's style.
    """

    def __init__(self, context: "AppContext", style: gr.Dropdown) -> None:
        self._context = context
        with gr.Accordion("Another style in a part", open=False, elem_id="region"):
            self.other = other = gr.Dropdown(
                context.styles.keys, label="Style of the part", value=None, elem_id="region-other"
            )
            mask = small_photo_input("Mask: white is the part", "region-mask")
            add = gr.Button("Add the part", size="sm", elem_id="region-add")
        claim_uploads(context.sessions, mask)
        add.click(with_toasts(self.add), [style, mask, other], style, **SHORT_JOB)

    def add(self, style: str, mask: Upload | None, other: str | None, request: gr.Request) -> Any:
        """Offer the chosen style with another one where the mask is white, and choose it."""
        session, styles = str(request.session_hash), self._context.styles
        return _choose(self._context, session, add_part(styles, session, style, mask, other))


def _choose(context: "AppContext", session: str, key: str) -> Any:
    """Return the update of the dropdown of styles that offers a new style and chooses it."""
    context.sessions.claim(session)  # so that the style is forgotten with the session, however that ends
    return gr.update(choices=context.styles.choices(session), value=key)


def add_part(styles: "StyleCatalog", session: str, style: str, mask: Upload | None, other: str | None) -> str:
    """Add a style with another one in a part of the photo, and return its key.

    Args:
        styles: where to.
        session: the visitor.
        style: the key of the rest's style.
        mask: an image of the photo's proportions; white is the part.
        other: the key of the part's style.

    Raises:
        GanstyleError: there is no such style, the part's style has parts itself, the mask is missing, no
            image, or black, or the visitor has too many blends and parts.
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
        GanstyleError: there is no such style, both are the same, the share is out of range, or the visitor
            has too many blends and parts.
    """
    if other is None or other == style:
        raise GanstyleError("choose another style to blend with")
    if not 0 < percent < 100:
        raise GanstyleError(f"share {percent:g}: give a percentage between 0 and 100")
    for key in (style, other):
        styles.painter(key)  # an unknown one is refused here
    return styles.blends.add(session, {style: 1 - percent / 100, other: percent / 100}, styles.label)
