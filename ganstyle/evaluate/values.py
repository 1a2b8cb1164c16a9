"""A comparison as plain values, for ``compare.json``, and in a sentence or two."""

import platform
from collections.abc import Mapping
from typing import Any

import torch

from ganstyle._version import __version__
from ganstyle.evaluate.compare import Comparison, Entry
from ganstyle.reports import duration, number

UNTOUCHED = 1e-6
"""The content up to which a picture is its photo."""


def record(comparison: Comparison, images: Mapping[str, str]) -> dict[str, Any]:
    """Return everything that was set and measured.

    Args:
        comparison: what was done.
        images: what a picture shows → its file, as seen from the report's folder; empty if they are in the
            page.
    """
    style = comparison.style
    return {
        "ganstyle": __version__,
        "conclusion": conclusion(comparison),
        "name": style.name,
        "painting": style.recipe.style.model_dump(exclude={"path", "size"}),
        "photos": list(comparison.names),
        "size": comparison.size,
        "settings": settings(comparison),
        "differences_without_gan": list(comparison.differences),
        "methods": [_entry(entry, comparison) for entry in comparison.entries],
        "photos_untouched": _scores(comparison.untouched, comparison),
        "protocol": comparison.protocol,
        "images": dict(images),
    }


def settings(comparison: Comparison) -> dict[str, Any]:
    """Return what times depend on."""
    return {
        **comparison.settings,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
    }


def conclusion(comparison: Comparison) -> str:
    """Say what was found: what each method came to, and at which cost."""
    first, *others = comparison.entries
    training = first.method.training_seconds
    parts = [
        f"{comparison.style.name} paints a photo in {number(first.seconds_per_image)} s"
        + (f", after {duration(training)} of training" if training else "")
        + f": {_standing(first.scores)}."
    ]
    for entry in others:
        if entry.method.key == "without-gan":
            parts.append(f"Without the GAN it comes to {_standing(entry.scores)}.")
        elif entry.method.key == "gatys":
            times = number(entry.seconds_per_image / first.seconds_per_image)
            parts.append(
                f"Gatys’ optimization takes {number(entry.seconds_per_image)} s a photo, {times} times as "
                f"long, for {_standing(entry.scores)}."
            )
        else:
            parts.append(
                f"In the generator’s time it does {' or '.join(dict.fromkeys(entry.notes))}"
                + (
                    f" and stands at {_standing(entry.scores)}."
                    if entry.scores["content"] > UNTOUCHED
                    else f": the photos are as they were, at style {number(entry.scores['style'])}."
                )
            )
    return " ".join(parts)


def _standing(scores: Mapping[str, float]) -> str:
    return f"content {number(scores['content'])}, style {number(scores['style'])}"


def _entry(entry: Entry, comparison: Comparison) -> dict[str, Any]:
    return {
        "key": entry.method.key,
        "label": entry.method.label,
        "detail": entry.method.detail,
        **_scores(entry.scores, comparison),
        "seconds_per_image": round(entry.seconds_per_image, 4),
        "training_seconds": entry.method.training_seconds,
        "notes": list(entry.notes),
    }


def _scores(scores: Mapping[str, float], comparison: Comparison) -> dict[str, float | None]:
    return {name: scores.get(name) for name in comparison.protocol}
