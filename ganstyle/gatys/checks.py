"""What an optimization refuses to begin with; each refusal is a `GanstyleError` of one line."""

import math
from collections.abc import Mapping, Sequence

from torch import Tensor

from ganstyle.errors import GanstyleError, ImageError, MissingExtraError
from ganstyle.extras import missing
from ganstyle.gatys.optimizers import OPTIMIZERS, default_options, is_installed
from ganstyle.gatys.settings import PRESERVE_COLOR, GatysSettings
from ganstyle.images.convert import outside_unit_range
from ganstyle.losses.features import FeatureExtractor, minimum_side

_SEEDS = 2**32  # as many as NumPy's generators, and recipes, take


def check_settings(settings: GatysSettings, *, texture: bool = False) -> None:
    """Check all settings but the scales, which depend on the picture's size.

    Args:
        settings: what to check.
        texture: whether there is no photo.

    Raises:
        GanstyleError: a value is invalid.
    """
    if settings.start not in ("content", "noise"):
        raise GanstyleError(f"start '{settings.start}': give content, noise or a picture")
    check_layers("content", settings.content_layers)
    check_layers("style", settings.style_layers)
    for what, octaves in (("content", settings.content_octaves), ("style", settings.style_octaves)):
        if octaves < 1:
            raise GanstyleError(f"{octaves} {what} octaves: give at least 1, which is the full size alone")
    check_budget(settings.steps, settings.seconds, settings.max_evaluations)
    if not 0 <= settings.tolerance < 1:
        raise GanstyleError(f"tolerance {settings.tolerance}: give a fraction below 1, or 0 to turn it off")
    if not 0 <= settings.seed < _SEEDS:
        raise GanstyleError(f"seed {settings.seed}: give a whole number from 0 to {_SEEDS - 1}")
    check_optimizer(settings.optimizer, settings.optimizer_options)
    if settings.preserve_color not in PRESERVE_COLOR:
        raise GanstyleError(f"preserve_color '{settings.preserve_color}': give {', '.join(PRESERVE_COLOR)}")
    if texture and (settings.preserve_color != "off" or settings.photorealistic):
        raise GanstyleError("a texture has no photo whose colors or lines could be kept; leave that out")


def check_images(
    content: Tensor | None, styles: Sequence[Tensor], start: Tensor | None, features: FeatureExtractor
) -> None:
    """Check that there are paintings, and that all images are such that the network can see them."""
    if not styles:
        raise GanstyleError("no painting was given; give at least one")
    minimum = minimum_side(features)
    named = [("the photo", content), *((f"painting {i}", image) for i, image in enumerate(styles, 1))]
    for name, image in [*named, ("the start", start)]:
        if image is None:
            continue
        if image.dim() != 4 or image.shape[:2] != (1, 3):
            raise ImageError(f"{name} has shape {tuple(image.shape)}; it must be (1, 3, height, width)")
        if not image.is_floating_point():
            raise ImageError(f"{name} is of {image.dtype}; give floating-point values in [0, 1]")
        if min(image.shape[-2:]) < minimum:
            raise ImageError(
                f"{name} has {image.shape[-2]}x{image.shape[-1]} pixels, too few for the network's "
                f"deepest layer; give at least {minimum}x{minimum}"
            )
        if values := outside_unit_range(image):
            raise ImageError(f"{name} has values {values}; they must be in [0, 1]")


def check_weights(weights: Mapping[str, float]) -> None:
    """Check that there is something to minimize; a term of weight 0 is left out."""
    for name, weight in weights.items():
        if not (math.isfinite(weight) and weight >= 0):
            raise GanstyleError(
                f"the weight of {name} is {weight}; give a positive number, or 0 to leave it out"
            )
    if not any(weights.values()):
        raise GanstyleError("all weights are zero: there is nothing to minimize; give one of them a value")


def check_shares(shares: Sequence[float], paintings: int) -> None:
    """Check that each painting has a weight, and that they are not all zero."""
    if len(shares) != paintings:
        raise GanstyleError(f"{len(shares)} style weights for {paintings} paintings; give one each")
    if not (all(share >= 0 for share in shares) and 0 < sum(shares) < math.inf):
        raise GanstyleError("the weights of the paintings must not be negative, nor all zero, nor too large")


def check_layers(kind: str, layers: Mapping[str, float]) -> None:
    """Check that at least one layer has a weight, and none a negative one."""
    if (
        not layers
        or not all(math.isfinite(w) and w >= 0 for w in layers.values())
        or not sum(layers.values())
    ):
        raise GanstyleError(
            f"no {kind} layer has a weight; give at least one a positive one, none a negative"
        )


def check_budget(steps: int, seconds: float | None, max_evaluations: float | None) -> None:
    """Check that there is something to spend."""
    if steps < 1:
        raise GanstyleError(f"{steps} steps do nothing; give at least 1")
    if seconds is not None and not seconds > 0:
        raise GanstyleError(f"{seconds} seconds are too few; give more than 0")
    if max_evaluations is not None and not max_evaluations >= 1:
        raise GanstyleError(f"{max_evaluations} evaluations do nothing; give at least 1")


def missing_package(optimizer: str) -> str:
    """Say what an optimizer needs and how to install it."""
    package = OPTIMIZERS[optimizer].requires
    assert package is not None
    return missing(package, f"the optimizer {optimizer}")


def check_optimizer(name: str, options: Mapping[str, object]) -> None:
    """Check that there is such an optimizer, and that it has these options, finite and not negative."""
    if name not in OPTIMIZERS:
        raise GanstyleError(f"there is no optimizer '{name}'; choose from {', '.join(sorted(OPTIMIZERS))}")
    if not is_installed(name):
        raise MissingExtraError(missing_package(name))
    defaults = default_options(name)
    for key, value in options.items():
        if key not in defaults:
            raise GanstyleError(f"{name} has no option '{key}'; it has {', '.join(defaults)}")
        if not _alike(value, defaults[key]):
            raise GanstyleError(f"{name}: {key} cannot be {value!r}; give something like {defaults[key]!r}")


def _alike(value: object, default: object) -> bool:
    """Say whether a value may stand where the default stands."""
    if isinstance(default, tuple):
        return isinstance(value, tuple) and len(value) == len(default) and all(map(_alike, value, default))
    if isinstance(default, bool | str) or isinstance(value, bool):
        return type(value) is type(default)
    kinds = int if isinstance(default, int) else int | float
    return isinstance(value, kinds) and math.isfinite(value) and value >= 0
