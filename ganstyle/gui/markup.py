"""Small pieces of HTML: a line of progress, a picture, a chart. Whatever is put in is escaped."""

import html
from collections.abc import Mapping

from ganstyle.reports import SCHEMES, Curve, data_uri, describe_curves, draw_curves, figure, svg, table

__all__ = ["chart", "hint", "picture", "progress", "table"]


def progress(text: str, done: float | None = None) -> str:
    """Return a line of text with a bar.

    Args:
        text: what is going on.
        done: in [0, 1]; None: without a bar.
    """
    if not text:
        return ""
    words = html.escape(text)
    bar = "" if done is None else f'<progress max="1" value="{done:.3f}" aria-label="{words}"></progress>'
    return f'<div class="progress" role="status">{bar}<span>{words}</span></div>'


def hint(text: str) -> str:
    """Return what stands where there is nothing to show yet."""
    return f'<div class="hint">{html.escape(text)}</div>'


def picture(content: bytes, *, alt: str, caption: str = "", note: str = "", kind: str = "png") -> str:
    """Return a figure that holds its picture in itself.

    Args:
        content: of a PNG or JPEG file.
        alt: what it shows.
        caption: below it.
        note: below that, in a smaller voice; lines stay lines.
        kind: "png" or "jpeg".
    """
    image = f'<img alt="{html.escape(alt)}" src="{data_uri(f"image/{kind}", content)}">'
    return figure(image, caption=caption, note=note)


def chart(curves: Mapping[str, Curve], *, title: str, x: str, y: str) -> str:
    """Return curves over one axis, drawn for light and for dark.

    Args:
        curves: name → points; without the empty ones.
        title: names the chart.
        x: the horizontal axis' label.
        y: the vertical one's.
    """
    alt = html.escape(f"{title}: {describe_curves(curves)}")
    images = "".join(
        f'<img class="in-{scheme}" alt="{alt}" '
        f'src="{data_uri("image/svg+xml", svg(draw_curves(curves, scheme, x=x, y=y)))}">'
        for scheme in SCHEMES
    )
    return f'<figure class="chart"><figcaption>{html.escape(title)}</figcaption>{images}</figure>'
