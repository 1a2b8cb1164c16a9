"""A comparison as plain values, for ``compare.json``, and in a few sentences."""

import platform
from collections.abc import Mapping
from typing import Any

import torch

from ganstyle._version import __version__
from ganstyle.evaluate.compare import MethodResult, StyleComparison
from ganstyle.evaluate.score import named_scores
from ganstyle.reports import duration, number

UNTOUCHED = 1e-6
"""A content score up to this means that the picture is its photo."""


def comparison_record(comparison: StyleComparison, images: Mapping[str, str]) -> dict[str, Any]:
    """Return everything that was set and measured.

    Args:
        comparison: what was done.
        images: what a picture shows → its file, as seen from the report's folder; empty if they are in the
            page.
    """
    style = comparison.style
    return {
        "ganstyle": __version__,
        "conclusion": summarize(comparison),
        "name": style.name,
        "painting": style.recipe.style.model_dump(exclude={"path", "size"}),
        "photos": list(comparison.names),
        "size": comparison.size,
        "settings": measurement_settings(comparison),
        "differences_without_gan": list(comparison.differences),
        "methods": [_result(result, comparison) for result in comparison.results],
        "photos_untouched": _scores(comparison.untouched, comparison),
        "protocol": comparison.protocol,
        "images": dict(images),
    }


def measurement_settings(comparison: StyleComparison) -> dict[str, Any]:
    """Return the settings and the machine, on which times depend."""
    return {
        **comparison.settings,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
    }


def summarize(comparison: StyleComparison) -> str:
    """Say in a few sentences what each method reached, and at what cost."""
    first, *others = comparison.results
    training = first.method.training_seconds
    parts = [
        f"{comparison.style.name} paints a photo in {number(first.seconds_per_image)} s"
        + (f", after {duration(training)} of training" if training else "")
        + f": {_standing(first.scores)}."
    ]
    for result in others:
        if result.method.key == "without-gan":
            parts.append(f"Without the GAN it scores {_standing(result.scores)}.")
        elif result.method.key == "gatys":
            times = number(result.seconds_per_image / first.seconds_per_image)
            parts.append(
                f"Gatys’ optimization takes {number(result.seconds_per_image)} s a photo, {times} times as "
                f"long, for {_standing(result.scores)}."
            )
        else:
            parts.append(
                f"In the generator’s time it does {' or '.join(dict.fromkeys(result.notes))}"
                + (
                    f" and stands at {_standing(result.scores)}."
                    if result.scores["content"] > UNTOUCHED
                    else f": the photos are as they were, at style {number(result.scores['style'])}."
                )
            )
    return " ".join(parts)


def _standing(scores: Mapping[str, float]) -> str:
    return f"content {number(scores['content'])}, style {number(scores['style'])}"


def _result(result: MethodResult, comparison: StyleComparison) -> dict[str, Any]:
    return {
        "key": result.method.key,
        "label": result.method.label,
        "detail": result.method.detail,
        **_scores(result.scores, comparison),
        "seconds_per_image": round(result.seconds_per_image, 4),
        "training_seconds": result.method.training_seconds,
        "notes": list(result.notes),
    }


def _scores(scores: Mapping[str, float], comparison: StyleComparison) -> dict[str, float | None]:
    return {name: scores.get(name) for name in named_scores(comparison.protocol)}
