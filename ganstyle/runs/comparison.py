"""What scores of a generator depend on beside the generator; those that differ in it do not compare."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganstyle.files import fingerprint
from ganstyle.recipe.schema import LossSection


def describe_comparison(
    loss: LossSection, protocol: Mapping[str, Any], *, photos: Sequence[Path], select: str
) -> dict[str, Any]:
    """Describe what the lines of a score log must have in common to be compared.

    Args:
        loss: the recipe's, whose weights make the score ``weighted``.
        protocol: how the scores come about.
        photos: those that are scored.
        select: the score that picks the best output.

    Raises:
        DataError: a photo cannot be read.
    """
    return {
        "protocol": protocol,
        "photos": fingerprint(photos),
        "weights": {
            "content": loss.weighted({"content": 1.0, "style": 0.0}),
            "style": loss.weighted({"content": 0.0, "style": 1.0}),
        },
        "select": select,
    }
