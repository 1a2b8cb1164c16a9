"""Small pieces of HTML: a line of progress, a picture, a chart, a table. Whatever is put in is escaped."""

import base64
import html
from collections.abc import Mapping, Sequence
from threading import Lock

from ganstyle.evaluate.curves import Curve, draw_curves
from ganstyle.gatys.benchmark.plots import SCHEMES, svg

_DRAWING = Lock()
"""matplotlib's fonts and settings belong to the whole process."""


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
    words = f"<strong>{html.escape(caption)}</strong>" if caption else ""
    words += "".join(f"<span>{html.escape(line)}</span>" for line in note.splitlines())
    below = f"<figcaption>{words}</figcaption>" if words else ""
    return (
        f'<figure><img alt="{html.escape(alt)}" src="{_address(f"image/{kind}", content)}">{below}</figure>'
    )


def chart(curves: Mapping[str, Curve], *, title: str, x: str, y: str) -> str:
    """Return curves over one axis, drawn for light and for dark.

    Args:
        curves: name → points; without the empty ones.
        title: names the chart.
        x: the horizontal axis' label.
        y: the vertical one's.
    """
    said = "; ".join(f"{name} from {curve[0][1]:.4g} to {curve[-1][1]:.4g}" for name, curve in curves.items())
    alt = html.escape(f"{title}: {said}")
    with _DRAWING:
        drawn = {scheme: svg(draw_curves(curves, scheme, x=x, y=y)) for scheme in SCHEMES}
    images = "".join(
        f'<img class="in-{scheme}" alt="{alt}" src="{_address("image/svg+xml", content)}">'
        for scheme, content in drawn.items()
    )
    return f'<figure class="chart"><figcaption>{html.escape(title)}</figcaption>{images}</figure>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str) -> str:
    """Return a table whose first column names the rows."""
    columns = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in head)
    lines = "".join(
        f'<tr><th scope="row">{html.escape(first)}</th>'
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{html.escape(caption)}"><table>'
        f"<caption>{html.escape(caption)}</caption><thead><tr>{columns}</tr></thead>"
        f"<tbody>{lines}</tbody></table></div>"
    )


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
