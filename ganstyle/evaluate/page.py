"""The page of a comparison, as HTML that needs no other file but its pictures."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

from ganstyle.evaluate.compare import Comparison, Entry
from ganstyle.evaluate.values import UNTOUCHED, conclusion, duration, settings
from ganstyle.gatys.benchmark.page import plot
from ganstyle.gatys.benchmark.summary import number
from ganstyle.metrics import HIGHER_IS_BETTER
from ganstyle.metrics.protocol import FEW_IMAGES, describe
from ganstyle.reports import STYLE_SHEET

PHOTO = "photo"

_TEMPLATE = Path(__file__).with_name("compare.html")
_NO_PAINTING = '<p class="faint">The painting was not at hand; its Gram matrices took its place.</p>'
_HIGHER = ", ".join(HIGHER_IS_BETTER).upper()


def painting_key(place: int) -> str:
    """Return what a painting, counted from 1, is called among the images."""
    return f"painting-{place}"


def picture_key(photo: int, what: str) -> str:
    """Return what a picture is called among the images: the photo's place from 1, and what it shows."""
    return f"{photo:02}-{what}"


def page(comparison: Comparison, images: Mapping[str, str], curves: Sequence[tuple[str, str, str]]) -> str:
    """Return the page's HTML; style sheet, script and curves are in it.

    Args:
        comparison: what to show.
        images: what a picture shows → its address: a file beside the page, or the whole as a data URI.
        curves: (title, address in light colors, address in dark colors) of each figure.
    """
    style = comparison.style
    painting = style.recipe.style
    credit = ", ".join(filter(None, (painting.title, painting.author, painting.year, painting.license)))
    photos = len(comparison.photos)
    count = f"{photos} photos" if photos > 1 else "one photo"
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        style=STYLE_SHEET.read_text(encoding="utf-8"),
        title=escape(f"{style.name} beside Gatys"),
        subtitle=escape(f"{count}, shorter side {comparison.size} px" + (f"; {credit}" if credit else "")),
        conclusion=escape(conclusion(comparison)),
        table=_table(comparison),
        table_note=escape(_table_note(comparison)),
        note="" if comparison.paintings else _NO_PAINTING,
        photos="\n".join(_photo(comparison, place, images) for place in range(1, photos + 1)),
        curves=_curves(curves),
        methods=_terms({entry.method.label: _detail(entry, comparison) for entry in comparison.entries}),
        protocol=_terms({name: describe(how) for name, how in comparison.protocol.items()}),
        settings=_terms({key.replace("_", " "): str(value) for key, value in settings(comparison).items()}),
    )


def _table(comparison: Comparison) -> str:
    names = _measured(comparison)
    heads = [*map(_head, names), "Seconds an image", "Time to train"]
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in ["Method", *heads])
    best = {name: _best(comparison, name) for name in names}
    rows = []
    for entry in comparison.entries:
        cells = [_cell(entry.scores.get(name), best[name]) for name in names]
        cells.append(f"<td>{number(entry.seconds_per_image)}</td>")
        training = entry.method.training_seconds
        cells.append(
            f"<td>{'none' if training == 0 else '–' if training is None else duration(training)}</td>"
        )
        rows.append(f'<tr><th scope="row">{escape(entry.method.label)}</th>{"".join(cells)}</tr>')
    cells = [_cell(comparison.untouched.get(name), math.nan) for name in names]
    cells.append("<td></td><td></td>")
    rows.append(f'<tr class="aside"><th scope="row">the photos as they are</th>{"".join(cells)}</tr>')
    body = "\n".join(rows)
    return (
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _measured(comparison: Comparison) -> list[str]:
    """Return the scores that there are; FID and KID want more than one photo."""
    return [name for name in comparison.protocol if any(name in entry.scores for entry in comparison.entries)]


def _head(name: str) -> str:
    """Write ``fid_vgg16_style`` as ``FID (VGG‑16), style``; the hyphen does not break."""
    kind, *rest = name.split("_")
    if kind not in ("fid", "kid"):
        return {"content": "Content", "style": "Style"}.get(name, name.upper())
    network = " (VGG‑16)" if "vgg16" in rest else ""
    return f"{kind.upper()}{network}, {rest[-1]}"


def _best(comparison: Comparison, name: str) -> float:
    """Return the best score of those that did something: a photo that is left as it was wins nothing."""
    values = [
        e.scores[name] for e in comparison.entries if name in e.scores and e.scores["content"] > UNTOUCHED
    ]
    return max(values, default=math.nan) if name in HIGHER_IS_BETTER else min(values, default=math.nan)


def _cell(value: float | None, best: float) -> str:
    if value is None:
        return "<td>–</td>"
    mark = ' class="best"' if value == best else ""
    return f"<td{mark}>{number(value if abs(value) > UNTOUCHED else 0.0)}</td>"


def _table_note(comparison: Comparison) -> str:
    note = (
        "Content is what of the photo is lost, style how far the painting is: 0 is the best of each, and one "
        f"is to be had at the other’s expense. Of {_HIGHER} more is better, of all others less."
    )
    if any("vgg16" in name for name in _measured(comparison)):
        note += (
            " FID (VGG‑16) and KID (VGG‑16) compare features of VGG-16 in Inception’s place: "
            "they are not FID, and compare within this table only."
        )
    protocols = [comparison.protocol[name] for name in _measured(comparison)]
    few = [str(how["n"]) for how in protocols if "warning" in how]
    if few:
        note += (
            f" FID is biased by the small number of images ({' and '.join(few)}; {FEW_IMAGES:,} are wanted)."
        )
    return note


def _photo(comparison: Comparison, place: int, images: Mapping[str, str]) -> str:
    """Return a slider over two of a photo's pictures, and all of them beside the painting."""
    labels = ["photo", *(entry.method.label for entry in comparison.entries)]
    keys = [PHOTO, *(entry.method.key for entry in comparison.entries)]
    notes = ["", *(entry.notes[place - 1] for entry in comparison.entries)]
    title = comparison.style.recipe.style.title or "the painting"
    shown = [
        _choice(images[picture_key(place, key)], label, note)
        for key, label, note in zip(keys, labels, notes, strict=True)
    ]
    shown[1:1] = [
        _figure(f'<img src="{images[painting_key(number)]}" alt="{escape(title)}">', title, "the painting")
        for number in range(1, len(comparison.paintings) + 1)
    ]
    sides = "".join(
        f'<select aria-label="{side}">'
        + "".join(
            f'<option value="{number}"{" selected" if number == chosen else ""}>{escape(label)}</option>'
            for number, label in enumerate(labels)
        )
        + "</select>"
        for side, chosen in (("left", 0), ("right", 1))
    )
    figures = "\n".join(shown)
    return (
        f'<section class="photo">\n<h3>{escape(comparison.names[place - 1])}</h3>\n'
        '<div class="duel"><div class="stage"><img alt=""><img alt="">'
        '<input type="range" min="0" max="100" value="50" step="0.5" aria-label="where the pictures meet">'
        f'</div><div class="sides">{sides}</div></div>\n<div class="pictures">\n{figures}\n</div>\n</section>'
    )


def _choice(address: str, label: str, note: str) -> str:
    """Return a picture that comes onto the slider when it is clicked."""
    image = f'<img src="{address}" alt="{escape(label)}">'
    return _figure(f'<button type="button" title="show on the slider">{image}</button>', label, note)


def _figure(image: str, title: str, note: str) -> str:
    return f"<figure>{image}<figcaption>{escape(title)}<span>{escape(note)}</span></figcaption></figure>"


def _curves(curves: Sequence[tuple[str, str, str]]) -> str:
    if not curves:
        return ""
    figures = "\n".join(plot(light, dark, alt=title, caption=title) for title, light, dark in curves)
    return f'<h2>The training</h2>\n<div class="plots">\n{figures}\n</div>'


def _detail(entry: Entry, comparison: Comparison) -> str:
    detail = entry.method.detail
    if entry.method.key == "without-gan" and comparison.differences:
        detail += f". Its recipe also differs in {'; '.join(comparison.differences)}"
    return detail


def _terms(values: Mapping[str, str]) -> str:
    return "\n".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in values.items())
