"""The page of a comparison, as HTML."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ganstyle.gatys.benchmark.conclusion import conclusion
from ganstyle.gatys.benchmark.record import settings
from ganstyle.gatys.benchmark.runs import Comparison, Run
from ganstyle.gatys.benchmark.snapshots import MARKS, Budget
from ganstyle.gatys.benchmark.summary import FRACTIONS, Row, Spread, amount, half_way_loss, rows
from ganstyle.reports import Cell, definitions, figure, number, render, table, themed_figure
from ganstyle.reports import page as report_page

PHOTO = "images/photo.png"
_MIB = 2**20


def painting_name(place: int) -> str:
    """Return the file of a painting, counted from 1."""
    return f"images/painting-{place}.png"


def plot_name(budget: Budget, scheme: str) -> str:
    """Return the file of a plot in a color scheme."""
    return f"loss-{budget.unit}-{scheme}.svg"


def page(comparison: Comparison, *, content: str, styles: Sequence[str], images: Mapping[int, str]) -> str:
    """Return the page's HTML; its style sheet is in it, plots and pictures lie beside it.

    Args:
        comparison: what to show.
        content: what the photo is called.
        styles: what the paintings are called.
        images: place of a run → the file of its result, as seen from the page.
    """
    by_run = {id(run): images[place] for place, run in enumerate(comparison.runs)}
    inputs = [_figure(PHOTO, content, "the photo")] + [
        _figure(painting_name(place), name, "the painting") for place, name in enumerate(styles, 1)
    ]
    body = render(
        "optimizers.html",
        {
            "plots": "\n".join(_plot(budget) for budget in comparison.budgets),
            "plot_note": _plot_note(comparison),
            "tables": "\n".join(_table(comparison, budget) for budget in comparison.budgets),
            "inputs": "\n".join(inputs),
            "pictures": "\n".join(_pictures(comparison, budget, by_run) for budget in comparison.budgets),
            "method": "\n".join(f"<li>{escape(text)}</li>" for text in _method(comparison)),
            "settings": definitions(_settings(comparison)),
            "notes": _notes(comparison.runs),
        },
    )
    return report_page(
        title="Optimizers compared",
        subtitle=f"{content} in the style of {', '.join(styles)}",
        conclusion=conclusion(comparison),
        body=body,
    )


def _plot(budget: Budget) -> str:
    return themed_figure(
        plot_name(budget, "light"),
        plot_name(budget, "dark"),
        alt=f"Loss of every optimizer over {budget.unit}",
        caption=f"{amount(budget)} each",
    )


def _plot_note(comparison: Comparison) -> str:
    begin = number(comparison.runs[0].samples[0].loss) if comparison.runs else "?"
    what = (
        "All begin at a loss of " + begin
        if comparison.start != "noise"
        else "Each seed begins from other noise"
    )
    band = " Line: median over seeds; band: their range." if comparison.repeated else ""
    return escape(f"{what}. The horizontal axes are logarithmic.{band}")


def _table(comparison: Comparison, budget: Budget) -> str:
    summaries = rows(comparison, budget)
    target = half_way_loss(comparison, budget)
    unit = "Seconds" if budget.unit == "seconds" else "Evaluations"
    reach = f"{unit} to half-way loss" + (f" {number(target)}" if target is not None else "")
    heads = ["Optimizer", *(f"Loss at {fraction:.0%}" for fraction in FRACTIONS), reach]
    heads += ["Evaluations", "Seconds", "Peak memory (MiB)"]
    best = min((row.final.median for row in summaries), default=0.0)
    return table(heads, [_row(row, best) for row in summaries], caption=f"{amount(budget)} each")


def _row(row: Row, best: float) -> list[Cell]:
    return [
        Cell(row.optimizer, note=f"{row.runs} seeds" if row.runs > 1 else ""),
        *(_cell(spread) for spread in row.losses[:-1]),
        _cell(row.final, best=row.final.median == best),
        Cell("–") if row.reach is None else _cell(row.reach),
        _cell(row.evaluations),
        _cell(row.seconds),
        Cell(f"{row.peak_memory / _MIB:.0f}"),
    ]


def _cell(spread: Spread, *, best: bool = False) -> Cell:
    low, high = number(spread.low), number(spread.high)
    return Cell(number(spread.median), note=f"{low} – {high}" if low != high else "", best=best)


def _pictures(comparison: Comparison, budget: Budget, files: Mapping[int, str]) -> str:
    figures = "\n".join(
        _figure(files[id(row.middle)], row.optimizer, _caption(row.middle))
        for row in rows(comparison, budget)
    )
    return f'<h3>After {escape(amount(budget))}</h3>\n<div class="pictures">\n{figures}\n</div>'


def _caption(run: Run) -> str:
    terms = ", ".join(
        f"{name} {number(run.terms[name])}" for name in ("content", "style") if name in run.terms
    )
    return f"loss {number(run.loss)}: {terms}"


def _figure(source: str, title: str, text: str) -> str:
    return figure(
        f'<a href="{escape(source)}"><img src="{escape(source)}" alt="{escape(title)}" loading="lazy"></a>',
        caption=title,
        note=text,
    )


def _method(comparison: Comparison) -> list[str]:
    """Say what the numbers are; only what holds for this comparison."""
    setup = comparison.setup
    single = [
        n for n in dict.fromkeys(run.optimizer for run in comparison.runs) if n not in comparison.repeated
    ]
    texts = [
        f"The loss is {setup.content_weight:g} · content + {setup.style_weight:g} · style "
        f"+ {setup.tv_weight:g} · total variation. Whatever precision an optimizer worked in, its pictures "
        "were judged afterwards by this one objective in float32, off the clock.",
        "The two budgets are separate runs, as schedules follow the budget. Each run had a fresh process to "
        "itself, the same number of threads, and the full size from its first step.",
        "Shown is what was in hand: the best picture so far by the optimizer’s own account. It was kept at "
        f"{len(MARKS)} moments, closer together early on, so that times are known to 8% of themselves.",
        "An evaluation is a pass through the network forwards and backwards; passes without a gradient and "
        "Hessian-vector products count as the multiple of it that they cost.",
        "The half-way loss is the one that lbfgs had after half of the budget.",
        _memory_text(setup.device.type),
    ]
    if comparison.repeated:
        texts.append(
            f"Repeated with {comparison.seeds} seeds: {', '.join(comparison.repeated)}. The table gives the "
            "median and the range, the pictures are those of the median result."
        )
    if single:
        texts.append(
            f"Run once: {', '.join(single)}."
            + (
                " They draw nothing at random, so that a seed would change nothing."
                if comparison.seeds > 1
                else ""
            )
        )
    return texts


def _memory_text(device: str) -> str:
    if device == "cuda":
        return "Peak memory is what PyTorch had allocated on the device, the network included."
    return (
        "Peak memory is how far the process rose above an interpreter with its libraries loaded, the "
        "network included, as seen every 5 ms."
    )


def _settings(comparison: Comparison) -> dict[str, str]:
    def text(value: Any) -> str:
        if isinstance(value, Mapping):
            return ", ".join(f"{key} × {weight:g}" for key, weight in value.items())
        if isinstance(value, list):
            return ", ".join(map(str, value)) or "none"
        return f"{value:g}" if isinstance(value, float) else str(value)

    values = {key.replace("_", " "): text(value) for key, value in settings(comparison).items()}
    return {**values, "VGG-16": comparison.setup.vgg.name, "VGG-16 SHA-256": comparison.setup.vgg.sha256}


def _notes(runs: Sequence[Run]) -> str:
    """Show what the optimizers had to tell, each thing once with the number of times it was said."""
    counts: dict[str, int] = {}
    for run in runs:
        for note in run.notes:
            counts[f"{run.optimizer}: {note}"] = counts.get(f"{run.optimizer}: {note}", 0) + 1
    if not counts:
        return ""
    items = "\n".join(
        f"<li>{escape(text)}{f' ({count} times)' if count > 1 else ''}</li>" for text, count in counts.items()
    )
    return f"<h2>Notes of the optimizers</h2>\n<ul>\n{items}\n</ul>"
