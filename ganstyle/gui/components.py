"""Small pieces of the page: progress, pictures, charts, placeholders. All text is escaped."""

import html
from collections.abc import Mapping

from ganstyle.reports import SCHEMES, Curve, data_uri, describe_curves, draw_curves, figure, svg


def progress_line(text: str, done: float | None = None) -> str:
    """Return a line of text with a progress bar.

    Args:
        text: what is going on; nothing is shown if it is empty.
        done: in [0, 1]; None: no bar.
    """
    if not text:
        return ""
    words = html.escape(text)
    bar = "" if done is None else f'<progress max="1" value="{done:.3f}" aria-label="{words}"></progress>'
    return f'<div class="progress" role="status">{bar}<span>{words}</span></div>'


def placeholder(text: str) -> str:
    """Return what stands where there is nothing to show yet."""
    return f'<div class="placeholder">{html.escape(text)}</div>'


def aside(text: str, code: str = "") -> str:
    """Return a paragraph in small, subdued letters, with a command at its end."""
    command = f" <code>{html.escape(code)}</code>" if code else ""
    return f'<p class="aside">{html.escape(text)}{command}</p>'


def picture(content: bytes, *, alt: str, caption: str = "", note: str = "", kind: str = "png") -> str:
    """Return a figure that contains its picture's data.

    Args:
        content: of a PNG or JPEG file.
        alt: what it shows.
        caption: below it.
        note: below the caption, smaller; line breaks are kept.
        kind: "png" or "jpeg".
    """
    image = f'<img alt="{html.escape(alt)}" src="{data_uri(f"image/{kind}", content)}">'
    return figure(image, caption=caption, note=note)


def chart(curves: Mapping[str, Curve], *, title: str, x: str, y: str) -> str:
    """Return curves over one axis, drawn for the light and the dark color scheme.

    Args:
        curves: name → points.
        title: of the chart.
        x: label of the horizontal axis.
        y: label of the vertical axis.
    """
    alt = html.escape(f"{title}: {describe_curves(curves)}")
    images = "".join(
        f'<img class="in-{scheme}" alt="{alt}" '
        f'src="{data_uri("image/svg+xml", svg(draw_curves(curves, scheme, x=x, y=y)))}">'
        for scheme in SCHEMES
    )
    return f'<figure class="chart"><figcaption>{html.escape(title)}</figcaption>{images}</figure>'
