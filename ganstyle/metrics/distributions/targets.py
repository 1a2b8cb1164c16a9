"""The features that a style's pictures are compared with: of the photos, and of crops of the painting."""

from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from ganstyle.files import fingerprint
from ganstyle.metrics.distributions.crops import Crops
from ganstyle.metrics.distributions.extractors import Extractor
from ganstyle.metrics.distributions.frechet import Features
from ganstyle.metrics.distributions.stored import load_features, stored_features
from ganstyle.metrics.reference import StyleReference


def photo_features(
    extractor: Extractor,
    photos: list[Path],
    read: Callable[[int], Tensor],
    *,
    size: int,
    file: Path | None,
) -> Features:
    """Return one feature vector a photo, (n, d).

    Args:
        extractor: measures them.
        photos: the photos' files.
        read: returns the photo of a number, resized.
        size: their shorter side, in pixels.
        file: where they are stored; None: nowhere.
    """
    protocol = {**_network(extractor), "size": size, "source": fingerprint(photos)}
    return stored_features(
        file, protocol, lambda: extractor.features(read(number) for number in range(len(photos)))
    )


def painting_features(
    extractor: Extractor, crops: Crops, style: StyleReference, *, count: int, size: int, file: Path | None
) -> Features | None:
    """Return one feature vector a crop of the painting, (count, d).

    Args:
        extractor: measures them.
        crops: how the painting is cut.
        style: the paintings. Without them, only features that were stored for this very style are used.
        count: number of crops.
        size: what the painting's shorter side is taken to be, in pixels.
        file: where they are stored; None: nowhere.

    Returns:
        None if there is neither a painting nor stored features of this style.

    Raises:
        DataError: without a painting, features are stored that were measured in another way.
    """
    paintings = style.paintings
    if paintings is None and (
        file is None or not file.exists() or load_features(file)[1].get("style") != style.key
    ):
        return None
    protocol = {
        **_network(extractor),
        "size": size,
        "crop": crops.side,
        "n": count,
        "seed": crops.seed,
        "style": style.key,
        "source": fingerprint(paintings.paths) if paintings else None,
    }
    measure = (lambda: extractor.features(crops.of_paintings(paintings, count, size))) if paintings else None
    return stored_features(file, protocol, measure)


def _network(extractor: Extractor) -> dict[str, object]:
    return {"extractor": extractor.name, "sha256": extractor.sha256, "side": extractor.side}
