"""Pieces of HTML for reports and the GUI: figures, tables, definition lists and the page around them.

All text is escaped; addresses of pictures are not, as they come from ganstyle itself.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from ganstyle.reports.figures import SCHEMES, Curve, draw_curves, svg

_TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: what it says.
        note: a second line, smaller.
        best: whether it is set off as the best of its column.
    """

    text: str
    note: str = ""
    best: bool = False


def table(
    head: Sequence[str], rows: Sequence[Sequence[str | Cell]], *, caption: str, aside_rows: int = 0
) -> str:
    """Return a table whose first column names the rows; the keyboard can scroll it where it is too wide.

    Args:
        head: names of the columns.
        rows: cells of each row.
        caption: above the table.
        aside_rows: how many of the last rows are printed faint, as they only serve for comparison.
    """
    columns = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = []
    for place, (first, *rest) in enumerate(rows):
        cells = _cell(first, 'th scope="row"') + "".join(_cell(cell, "td") for cell in rest)
        faint = ' class="aside"' if place >= len(rows) - aside_rows else ""
        lines.append(f"<tr{faint}>{cells}</tr>")
    body = "\n".join(lines)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{columns}</tr></thead>"
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def figure(picture: str, *, caption: str = "", note: str = "") -> str:
    """Return a figure.

    Args:
        picture: HTML of what is shown.
        caption: below it.
        note: smaller, below the caption; each line stays a line.
    """
    words = f"<strong>{escape(caption)}</strong>" if caption else ""
    words += "".join(f"<span>{escape(line)}</span>" for line in note.splitlines())
    return f"<figure>{picture}{f'<figcaption>{words}</figcaption>' if words else ''}</figure>"


def themed_figure(light: str, dark: str, *, alt: str, caption: str) -> str:
    """Return a figure whose picture follows the page's color scheme; ``light`` and ``dark`` are addresses."""
    return figure(
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img src="{light}" alt="{escape(alt)}"></picture>',
        caption=caption,
    )


def curves_figure(curves: Mapping[str, Curve], *, title: str, x: str, y: str) -> str:
    """Return curves as a figure that holds its pictures in itself and follows the page's color scheme.

    Args:
        curves: name → points.
        title: below the figure, and in the description for screen readers.
        x: label of the horizontal axis.
        y: label of the vertical axis.
    """
    light, dark = (
        data_uri("image/svg+xml", svg(draw_curves(curves, scheme, x=x, y=y))) for scheme in SCHEMES
    )
    return themed_figure(light, dark, alt=f"{title}: {describe_curves(curves)}", caption=title)


def describe_curves(curves: Mapping[str, Curve]) -> str:
    """Say in words where each curve begins and ends, for those who cannot see it."""
    return "; ".join(
        f"{name} from {curve[0][1]:.4g} to {curve[-1][1]:.4g}" for name, curve in curves.items() if curve
    )


def definitions(values: Mapping[str, str]) -> str:
    """Return the terms and definitions of a ``<dl>``."""
    return "\n".join(f"<dt>{escape(term)}</dt><dd>{escape(value)}</dd>" for term, value in values.items())


def data_uri(kind: str, content: bytes) -> str:
    """Return an address that holds a file's content; ``kind`` is its media type."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def render(template: str, values: Mapping[str, str]) -> str:
    """Fill in a template; the values are HTML."""
    return Template(_read(template)).substitute(values)


def page(
    *, title: str, subtitle: str, conclusion: str, body: str, style_sheets: Sequence[str] = ("report.css",)
) -> str:
    """Return a whole page that needs no other file but its pictures.

    Args:
        title: of the page.
        subtitle: below it.
        conclusion: what was found, in a paragraph.
        body: HTML of the rest.
        style_sheets: files in the folder of templates, whose content goes into the page.
    """
    return render(
        "page.html",
        {
            "title": escape(title),
            "subtitle": escape(subtitle),
            "conclusion": escape(conclusion),
            "body": body,
            "style": "".join(_read(name) for name in style_sheets),
        },
    )


def _cell(cell: str | Cell, tag: str) -> str:
    cell = Cell(cell) if isinstance(cell, str) else cell
    note = f"<small>{escape(cell.note)}</small>" if cell.note else ""
    best = ' class="best"' if cell.best else ""
    return f"<{tag}{best}>{escape(cell.text)}{note}</{tag.partition(' ')[0]}>"


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")
