"""The report of a comparison of optimizers: a page with plots, tables and pictures, and its numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ganstyle._version import __version__
from ganstyle.files import null_not_finite
from ganstyle.gatys.benchmark.comparison import BenchmarkRun, OptimizerComparison
from ganstyle.gatys.benchmark.summary import (
    FRACTIONS,
    Spread,
    SummaryRow,
    amount,
    conclude,
    half_way_loss,
    loss_curve,
    rows,
)
from ganstyle.gatys.benchmark.trial import MARKS, Budget
from ganstyle.gatys.optimizers import OPTIMIZERS, default_options
from ganstyle.images import encode_png
from ganstyle.reports import (
    SCHEMES,
    Cell,
    definitions,
    draw_curves,
    figure,
    number,
    page,
    render,
    svg,
    table,
    themed_figure,
    write_report_folder,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RECORD = "optimizers.json"
_PHOTO = "images/photo.png"
_MIB = 2**20


def write_optimizer_report(
    comparison: OptimizerComparison, folder: Path, *, content: str, styles: Sequence[str], force: bool = False
) -> tuple[Path, dict[str, Any]]:
    """Write the page, what it shows, and ``optimizers.json``.

    Args:
        comparison: what to show.
        folder: where; it is made if it does not exist.
        content: what the photo is called.
        styles: what the paintings are called.
        force: whether the folder may hold something already; see `check_folder`.

    Returns:
        The page's path, and what ``optimizers.json`` holds.

    Raises:
        GanstyleError: the folder may not be used, or cannot be written to.
    """
    images = [f"images/{run.optimizer}-{run.budget.unit}-{run.seed}.png" for run in comparison.runs]
    files = {_PHOTO: encode_png(comparison.setup.content)}
    files |= {_painting(place): encode_png(it) for place, it in enumerate(comparison.setup.styles, 1)}
    files |= {name: encode_png(run.image) for name, run in zip(images, comparison.runs, strict=True)}
    files |= {
        _plot(budget, scheme): svg(draw_losses(comparison, budget, scheme))
        for budget in comparison.budgets
        for scheme in SCHEMES
    }
    html = _page(comparison, content, styles, images)
    values = _record(comparison, content, styles, images)
    path = write_report_folder(folder, html, record=RECORD, values=values, files=files, force=force)
    return path, values


def draw_losses(comparison: OptimizerComparison, budget: Budget, scheme: str) -> "Figure":
    """Draw the loss of every optimizer over one budget: the median over seeds, and their range as a band.

    The horizontal axis is logarithmic, since most of the progress comes early.

    Args:
        comparison: the runs.
        budget: which of the two.
        scheme: "light" or "dark".
    """
    names = dict.fromkeys(run.optimizer for run in comparison.runs)
    curves = {
        name: loss_curve([run for run in comparison.runs if run.optimizer == name and run.budget == budget])
        for name in names
    }
    # The start is at 0, which a logarithmic axis does not have; it is the level the curve comes from.
    begin = min((time for points in curves.values() for time, _ in points if time > 0), default=budget.amount)
    return draw_curves(
        {name: [(time, spread.median) for time, spread in points] for name, points in curves.items()},
        scheme,
        x="seconds" if budget.unit == "seconds" else "evaluations of the network",
        y="loss",
        bands={name: [(time, s.low, s.high) for time, s in points] for name, points in curves.items()},
        log_x=True,
        x_limits=(min(begin, budget.amount / 2), budget.amount),
    )


def _painting(place: int) -> str:
    return f"images/painting-{place}.png"


def _plot(budget: Budget, scheme: str) -> str:
    return f"loss-{budget.unit}-{scheme}.svg"


def _page(comparison: OptimizerComparison, content: str, styles: Sequence[str], images: Sequence[str]) -> str:
    by_run = {id(run): name for run, name in zip(comparison.runs, images, strict=True)}
    inputs = [(_PHOTO, content, "the photo")]
    inputs += [(_painting(place), name, "the painting") for place, name in enumerate(styles, 1)]
    weights = comparison.setup.settings.weights
    body = render(
        "optimizers.html",
        {
            "plots": "\n".join(
                themed_figure(
                    _plot(budget, "light"),
                    _plot(budget, "dark"),
                    alt=f"Loss of every optimizer over {budget.unit}",
                    caption=f"{amount(budget)} each",
                )
                for budget in comparison.budgets
            ),
            "plot_note": _plot_note(comparison),
            "tables": "\n".join(_table(comparison, budget) for budget in comparison.budgets),
            "inputs": "\n".join(_figure(*it) for it in inputs),
            "pictures": "\n".join(_pictures(comparison, budget, by_run) for budget in comparison.budgets),
            "objective": " + ".join(f"{weight:g} · {name}" for name, weight in weights.items()),
            "moments": str(len(MARKS)),
            "repetitions": "\n".join(f"<li>{escape(text)}</li>" for text in _repetitions(comparison)),
            "settings": definitions(_setting_texts(comparison)),
            "notes": _notes(comparison.runs),
        },
    )
    return page(
        title="Optimizers compared",
        subtitle=f"{content} in the style of {', '.join(styles)}",
        conclusion=conclude(comparison),
        body=body,
    )


def _plot_note(comparison: OptimizerComparison) -> str:
    begin = f"All begin at a loss of {number(comparison.runs[0].samples[0].loss)}"
    what = "Each seed begins from other noise" if comparison.start == "noise" else begin
    band = " Line: median over seeds; band: their range." if comparison.repeated else ""
    return escape(f"{what}. The horizontal axes are logarithmic.{band}")


def _table(comparison: OptimizerComparison, budget: Budget) -> str:
    summaries, target = rows(comparison, budget), half_way_loss(comparison, budget)
    reach = f"{budget.unit.capitalize()} to half-way loss"
    heads = ["Optimizer", *(f"Loss at {fraction:.0%}" for fraction in FRACTIONS)]
    heads += [reach if target is None else f"{reach} {number(target)}"]
    heads += ["Evaluations", "Seconds", "Peak memory (MiB)"]
    best = min((row.final.median for row in summaries), default=0.0)
    return table(heads, [_cells(row, best) for row in summaries], caption=f"{amount(budget)} each")


def _cells(row: SummaryRow, best: float) -> list[Cell]:
    return [
        Cell(row.optimizer, note=f"{row.runs} seeds" if row.runs > 1 else ""),
        *(_cell(spread) for spread in row.losses[:-1]),
        _cell(row.final, best=row.final.median == best),
        Cell("–") if row.reach is None else _cell(row.reach),
        _cell(row.evaluations),
        _cell(row.seconds),
        Cell(f"{row.peak_memory_bytes / _MIB:.0f}"),
    ]


def _cell(spread: Spread, *, best: bool = False) -> Cell:
    low, high = number(spread.low), number(spread.high)
    return Cell(number(spread.median), note=f"{low} – {high}" if low != high else "", best=best)


def _pictures(comparison: OptimizerComparison, budget: Budget, files: Mapping[int, str]) -> str:
    figures = "\n".join(
        _figure(files[id(row.middle)], row.optimizer, _caption(row.middle))
        for row in rows(comparison, budget)
    )
    return f'<h3>After {escape(amount(budget))}</h3>\n<div class="pictures">\n{figures}\n</div>'


def _caption(run: BenchmarkRun) -> str:
    terms = [f"{name} {number(run.terms[name])}" for name in ("content", "style") if name in run.terms]
    return f"loss {number(run.loss)}: {', '.join(terms)}"


def _figure(source: str, title: str, text: str) -> str:
    image = f'<img src="{escape(source)}" alt="{escape(title)}" loading="lazy">'
    return figure(f'<a href="{escape(source)}">{image}</a>', caption=title, note=text)


def _repetitions(comparison: OptimizerComparison) -> list[str]:
    """Say which optimizers ran once, and which once per seed."""
    names = dict.fromkeys(run.optimizer for run in comparison.runs)
    texts = []
    if comparison.repeated:
        texts.append(
            f"Repeated with {comparison.seeds} seeds: {', '.join(comparison.repeated)}. The table gives the "
            "median and the range, the pictures are those of the median result."
        )
    single = [name for name in names if name not in comparison.repeated]
    if single:
        why = " They are deterministic: a seed would change nothing." if comparison.seeds > 1 else ""
        texts.append(f"Run once: {', '.join(single)}.{why}")
    return texts


def _setting_texts(comparison: OptimizerComparison) -> dict[str, str]:
    def text(value: Any) -> str:
        if isinstance(value, Mapping):
            return ", ".join(f"{key} × {weight:g}" for key, weight in value.items())
        if isinstance(value, list):
            return ", ".join(map(str, value)) or "none"
        return f"{value:g}" if isinstance(value, float) else str(value)

    values = {key.replace("_", " "): text(value) for key, value in comparison.facts().items()}
    vgg = comparison.setup.vgg
    return {**values, "VGG-16": vgg.name, "VGG-16 SHA-256": vgg.sha256}


def _notes(runs: Sequence[BenchmarkRun]) -> str:
    """Show what the optimizers reported, each message once with the number of times."""
    counts: dict[str, int] = {}
    for run in runs:
        for note in run.notes:
            counts[f"{run.optimizer}: {note}"] = counts.get(f"{run.optimizer}: {note}", 0) + 1
    items = [escape(text) + (f" ({count} times)" if count > 1 else "") for text, count in counts.items()]
    lines = "\n".join(f"<li>{item}</li>" for item in items)
    return f"<h2>Messages of the optimizers</h2>\n<ul>\n{lines}\n</ul>" if items else ""


def _record(
    comparison: OptimizerComparison, content: str, styles: Sequence[str], images: Sequence[str]
) -> dict[str, Any]:
    """Return everything that was set and measured."""
    vgg, ran = comparison.setup.vgg, {run.optimizer for run in comparison.runs}
    values: dict[str, Any] = {
        "ganstyle": __version__,
        "conclusion": conclude(comparison),
        "content": content,
        "styles": styles,
        "vgg": vgg.identity,
        "settings": comparison.facts(),
        "options": {name: default_options(name) for name in OPTIMIZERS if name in ran},
        "table": {
            budget.unit: {
                "budget": budget.amount,
                "lbfgs_half_way_loss": half_way_loss(comparison, budget),
                "rows": [_record_row(row) for row in rows(comparison, budget)],
            }
            for budget in comparison.budgets
        },
        "runs": [{**_plain(run), "image": name} for run, name in zip(comparison.runs, images, strict=True)],
    }
    plain: dict[str, Any] = null_not_finite(_plain(values))
    return plain


def _record_row(row: SummaryRow) -> dict[str, Any]:
    return {
        "optimizer": row.optimizer,
        "runs": row.runs,
        "loss": {f"{part:.0%}": loss for part, loss in zip(FRACTIONS, row.losses, strict=True)},
        "to_lbfgs_half_way_loss": row.reach,
        "steps": row.steps,
        "evaluations": row.evaluations,
        "seconds": row.seconds,
        "peak_memory_bytes": row.peak_memory_bytes,
    }


def _plain(value: Any) -> Any:
    """Return a value as plain ones; pictures are left out."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if is_dataclass(value):
        return {it.name: _plain(getattr(value, it.name)) for it in fields(value)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, Tensor) else value
