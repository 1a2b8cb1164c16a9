"""What scores of a generator depend on beside the generator; those that differ in it do not compare."""

from collections.abc import Mapping
from typing import Any

from ganstyle.data.folder import list_validation_photos
from ganstyle.recipe.schema import LossSection
from ganstyle.runs.inputs import fingerprint


def describe_comparison(
    loss: LossSection, protocol: Mapping[str, Any], *, content: str, count: int, select: str
) -> dict[str, Any]:
    """Describe what the lines of a score log must have in common to be compared.

    Args:
        loss: the recipe's, whose weights make the score ``weighted``.
        protocol: how the scores come about.
        content: the folder of validation photos.
        count: how many of them are scored.
        select: the score that picks the best output.

    Raises:
        DataError: a photo cannot be read.
    """
    return {
        "protocol": protocol,
        "photos": fingerprint(list_validation_photos(content).images[:count]),
        "weights": {
            "content": loss.weighted({"content": 1.0, "style": 0.0}),
            "style": loss.weighted({"content": 0.0, "style": 1.0}),
        },
        "select": select,
    }
