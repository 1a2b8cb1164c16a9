"""A comparison as plain values, for ``optimizers.json``."""

import inspect
import math
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ganstyle._version import __version__
from ganstyle.gatys.benchmark.conclusion import conclusion
from ganstyle.gatys.benchmark.runs import Comparison, Run
from ganstyle.gatys.benchmark.summary import FRACTIONS, Row, Spread, half_way_loss, rows
from ganstyle.gatys.optimize import CONTENT_LAYERS, STYLE_LAYERS
from ganstyle.gatys.optimizers import OPTIMIZERS


def record(
    comparison: Comparison, *, content: str, styles: Sequence[str], images: Mapping[int, str]
) -> dict[str, Any]:
    """Return everything that was set and measured; numbers that are infinite or not finite become None.

    Args:
        comparison: what was done.
        content: what the photo is called.
        styles: what the paintings are called.
        images: place of a run → the file of its result.
    """
    ran = {run.optimizer for run in comparison.runs}
    return {
        "ganstyle": __version__,
        "conclusion": conclusion(comparison),
        "content": content,
        "styles": list(styles),
        "vgg": {"name": comparison.setup.vgg.name, "sha256": comparison.setup.vgg.sha256},
        "settings": settings(comparison),
        "options": {name: _options(name) for name in OPTIMIZERS if name in ran},
        "table": {
            budget.unit: {
                "budget": budget.amount,
                "lbfgs_half_way_loss": half_way_loss(comparison, budget),
                "rows": [_row(row) for row in rows(comparison, budget)],
            }
            for budget in comparison.budgets
        },
        "runs": [_run(run, images.get(place)) for place, run in enumerate(comparison.runs)],
    }


def settings(comparison: Comparison) -> dict[str, Any]:
    """Return what was the same for all runs."""
    setup = comparison.setup
    height, width = setup.content.shape[-2:]
    on_cuda = setup.device.type == "cuda"
    return {
        "width": width,
        "height": height,
        "start": comparison.start,
        "seconds": next(b.amount for b in comparison.budgets if b.unit == "seconds"),
        "evaluations": next(b.amount for b in comparison.budgets if b.unit == "evaluations"),
        "seeds": comparison.seeds,
        "repeated": list(comparison.repeated),
        "content_weight": setup.content_weight,
        "style_weight": setup.style_weight,
        "tv_weight": setup.tv_weight,
        "content_layers": dict(CONTENT_LAYERS),
        "style_layers": dict(STYLE_LAYERS),
        "precision": "bf16" if setup.dtype == torch.bfloat16 else "fp32",
        "judged_in": "fp32",
        "device": torch.cuda.get_device_name(setup.device) if on_cuda else setup.device.type.upper(),
        "threads": setup.threads,
        "torch": torch.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
    }


def _options(name: str) -> dict[str, Any]:
    parameters = inspect.signature(OPTIMIZERS[name]).parameters.values()
    plain = (int, float, str, bool, tuple, type(None))
    return {
        parameter.name: parameter.default
        for parameter in parameters
        if parameter.name != "seed" and isinstance(parameter.default, plain)
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "optimizer": row.optimizer,
        "runs": row.runs,
        "loss": {
            f"{fraction:.0%}": _spread(spread) for fraction, spread in zip(FRACTIONS, row.losses, strict=True)
        },
        "to_lbfgs_half_way_loss": None if row.reach is None else _spread(row.reach),
        "steps": _spread(row.steps),
        "evaluations": _spread(row.evaluations),
        "seconds": _spread(row.seconds),
        "peak_memory_bytes": row.peak_memory,
    }


def _run(run: Run, image: str | None) -> dict[str, Any]:
    return {
        "optimizer": run.optimizer,
        "budget": {"unit": run.budget.unit, "amount": run.budget.amount},
        "seed": run.seed,
        "loss": _finite(run.loss),
        "terms": {name: _finite(value) for name, value in run.terms.items()},
        "steps": run.steps,
        "evaluations": run.evaluations,
        "seconds": round(run.seconds, 4),
        "peak_memory_bytes": run.peak_memory,
        "notes": list(run.notes),
        "image": image,
        "samples": [[round(s.seconds, 4), round(s.evaluations, 4), _finite(s.loss)] for s in run.samples],
    }


def _spread(spread: Spread) -> dict[str, float | None]:
    return {"median": _finite(spread.median), "low": _finite(spread.low), "high": _finite(spread.high)}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
