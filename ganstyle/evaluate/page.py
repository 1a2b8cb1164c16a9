"""The page of a comparison, as HTML that needs no other files than its pictures."""

import math
from collections.abc import Mapping
from html import escape

from ganstyle.evaluate.compare import MethodResult, StyleComparison
from ganstyle.evaluate.values import UNTOUCHED, measurement_settings, summarize
from ganstyle.metrics import HIGHER_IS_BETTER
from ganstyle.metrics.protocol import FEW_IMAGES, describe_protocol
from ganstyle.reports import Cell, definitions, duration, figure, number, render, table
from ganstyle.reports import page as report_page

PHOTO = "photo"

_NO_PAINTING = (
    '<p class="faint">The painting was not available; its stored Gram matrices were used instead.</p>'
)
_HEADS = {"content": "Content", "style": "Style", "style_coarse": "Coarse style", "kept": "Kept"}
_NETWORKS = {"vgg16": " (VGG‑16)", "efficientnet": " (EfficientNet)"}


def painting_key(place: int) -> str:
    """Return the name of a painting, counted from 1, among the images."""
    return f"painting-{place}"


def picture_key(photo: int, what: str) -> str:
    """Return the name of a picture among the images: the photo's number from 1, and what it shows."""
    return f"{photo:02}-{what}"


def comparison_page(comparison: StyleComparison, images: Mapping[str, str], curves: str) -> str:
    """Return the page's HTML; style sheet, script and curves are in it.

    Args:
        comparison: what to show.
        images: what a picture shows → its address: a file beside the page, or the whole as a data URI.
        curves: figures of the training, as HTML; empty: there are none.
    """
    style = comparison.style
    painting = style.recipe.style
    credit = ", ".join(filter(None, (painting.title, painting.author, painting.year, painting.license)))
    photos = len(comparison.photos)
    count = f"{photos} photos" if photos > 1 else "one photo"
    body = render(
        "compare.html",
        {
            "table": _table(comparison),
            "table_note": escape(_table_note(comparison)),
            "note": "" if comparison.paintings else _NO_PAINTING,
            "photos": "\n".join(_photo(comparison, place, images) for place in range(1, photos + 1)),
            "curves": f'<h2>The training</h2>\n<div class="plots">\n{curves}\n</div>' if curves else "",
            "methods": definitions({e.method.label: _detail(e, comparison) for e in comparison.results}),
            "protocol": definitions(
                {name: describe_protocol(how) for name, how in comparison.protocol.items()}
            ),
            "settings": definitions(
                {key.replace("_", " "): str(value) for key, value in measurement_settings(comparison).items()}
            ),
        },
    )
    return report_page(
        title=f"{style.name} beside Gatys",
        subtitle=f"{count}, shorter side {comparison.size} px" + (f"; {credit}" if credit else ""),
        conclusion=summarize(comparison),
        body=body,
        style_sheets=("report.css", "compare.css"),
    )


def _table(comparison: StyleComparison) -> str:
    names = _measured(comparison)
    best = {name: _best(comparison, name) for name in names}
    rows: list[list[str | Cell]] = []
    for result in comparison.results:
        training = result.method.training_seconds
        rows.append(
            [
                result.method.label,
                *(_cell(result.scores.get(name), best[name]) for name in names),
                number(result.seconds_per_image),
                "none" if training == 0 else "–" if training is None else duration(training),
            ]
        )
    untouched = [_cell(comparison.untouched.get(name), math.nan) for name in names]
    rows.append(["the photos as they are", *untouched, "", ""])
    heads = ["Method", *map(_head, names), "Seconds an image", "Time to train"]
    return table(heads, rows, caption="Scores and times of each method", aside_rows=1)


def _measured(comparison: StyleComparison) -> list[str]:
    """Return the scores that there are; FID and KID need more than one photo."""
    return [
        name for name in comparison.protocol if any(name in result.scores for result in comparison.results)
    ]


def _head(name: str) -> str:
    """Write ``fid_vgg16_style`` as ``FID (VGG‑16), style``; the hyphen does not break."""
    kind, *rest = name.split("_")
    if kind not in ("fid", "kid"):
        return _HEADS.get(name, name.upper())
    network = next((text for key, text in _NETWORKS.items() if key in rest), "")
    return f"{kind.upper()}{network}, {rest[-1]}"


def _best(comparison: StyleComparison, name: str) -> float:
    """Return the best score of the methods that painted at all: leaving the photo as it is does not count."""
    values = [
        e.scores[name] for e in comparison.results if name in e.scores and e.scores["content"] > UNTOUCHED
    ]
    return max(values, default=math.nan) if name in HIGHER_IS_BETTER else min(values, default=math.nan)


def _cell(value: float | None, best: float) -> Cell:
    if value is None:
        return Cell("–")
    return Cell(number(value if abs(value) > UNTOUCHED else 0.0), best=value == best)


def _table_note(comparison: StyleComparison) -> str:
    higher = " and ".join(_head(name) for name in _measured(comparison) if name in HIGHER_IS_BETTER)
    note = (
        "Content says how much of the photo is lost, style how far the picture is from the painting: 0 is "
        f"the best of each, and each costs some of the other. {higher}: higher is better; all others: lower."
    )
    if any("vgg16" in name for name in _measured(comparison)):
        note += (
            " FID (VGG‑16) and KID (VGG‑16) compare features of VGG-16 in Inception’s place: "
            "they are not FID, and comparable within this table only."
        )
    protocols = [comparison.protocol[name] for name in _measured(comparison)]
    few = [str(how["n"]) for how in protocols if "warning" in how]
    if few:
        note += (
            f" FID is biased by the small number of images ({' and '.join(few)}; {FEW_IMAGES:,} are wanted)."
        )
    return note


def _photo(comparison: StyleComparison, place: int, images: Mapping[str, str]) -> str:
    """Return a slider over two of a photo's pictures, and all pictures next to the painting."""
    labels = ["photo", *(result.method.label for result in comparison.results)]
    keys = [PHOTO, *(result.method.key for result in comparison.results)]
    notes = ["", *(result.notes[place - 1] for result in comparison.results)]
    title = comparison.style.recipe.style.title or "the painting"
    shown = [
        _choice(images[picture_key(place, key)], label, note)
        for key, label, note in zip(keys, labels, notes, strict=True)
    ]
    shown[1:1] = [
        figure(
            f'<img src="{images[painting_key(number)]}" alt="{escape(title)}">',
            caption=title,
            note="the painting",
        )
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
    """Return a picture that is shown on the slider when it is clicked."""
    image = f'<img src="{address}" alt="{escape(label)}">'
    button = f'<button type="button" title="show on the slider">{image}</button>'
    return figure(button, caption=label, note=note)


def _detail(result: MethodResult, comparison: StyleComparison) -> str:
    detail = result.method.detail
    if result.method.key == "without-gan" and comparison.differences:
        detail += f". Its recipe also differs in {'; '.join(comparison.differences)}"
    return detail
