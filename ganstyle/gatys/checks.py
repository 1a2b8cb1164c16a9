"""What an optimization refuses to begin with; each refusal is a `GanstyleError` of one line."""

import inspect
import math
from collections.abc import Mapping, Sequence

from torch import Tensor

from ganstyle.errors import GanstyleError, ImageError
from ganstyle.gatys.optimizers import OPTIMIZERS
from ganstyle.losses.perceptual import FeatureExtractor, minimum_side


def check_images(
    content: Tensor | None, styles: Sequence[Tensor], start: str | Tensor, features: FeatureExtractor
) -> None:
    """There are paintings, and all images are such that the network can see them."""
    if not styles:
        raise GanstyleError("no painting was given; give at least one")
    minimum = minimum_side(features)
    named = [("the photo", content), *((f"painting {i}", image) for i, image in enumerate(styles, 1))]
    for name, image in [*named, ("the start", start)]:
        if not isinstance(image, Tensor):
            continue
        if image.dim() != 4 or image.shape[:2] != (1, 3):
            raise ImageError(f"{name} has shape {tuple(image.shape)}; it must be (1, 3, height, width)")
        if min(image.shape[-2:]) < minimum:
            raise ImageError(
                f"{name} has {image.shape[-2]}x{image.shape[-1]} pixels, too few for the network's "
                f"deepest layer; give at least {minimum}x{minimum}"
            )


def check_start(start: str | Tensor) -> None:
    """The word, if it is one, is known."""
    if not isinstance(start, Tensor) and start not in ("content", "noise"):
        raise GanstyleError(f"start '{start}': give content, noise or a picture")


def check_weights(weights: Mapping[str, float]) -> None:
    """There is something to minimize; a term of weight 0 is left out."""
    for name, weight in weights.items():
        if not (math.isfinite(weight) and weight >= 0):
            raise GanstyleError(
                f"the weight of {name} is {weight}; give a positive number, or 0 to leave it out"
            )
    if not any(weights.values()):
        raise GanstyleError("all weights are zero: there is nothing to minimize; give one of them a value")


def check_shares(shares: Sequence[float], paintings: int) -> None:
    """Each painting has a share, and together they have one."""
    if len(shares) != paintings:
        raise GanstyleError(f"{len(shares)} style weights for {paintings} paintings; give one each")
    if not all(math.isfinite(share) and share >= 0 for share in shares) or sum(shares) == 0:
        raise GanstyleError("the weights of the paintings must not be negative, nor all zero")


def check_layers(kind: str, layers: Mapping[str, float]) -> None:
    """One layer at least has a weight."""
    if (
        not layers
        or not all(math.isfinite(w) and w >= 0 for w in layers.values())
        or not sum(layers.values())
    ):
        raise GanstyleError(
            f"no {kind} layer has a weight; give at least one a positive one, none a negative"
        )


def check_budget(steps: int, seconds: float | None, max_evaluations: float | None) -> None:
    """There is something to spend."""
    if steps < 1:
        raise GanstyleError(f"{steps} steps do nothing; give at least 1")
    if seconds is not None and not seconds > 0:
        raise GanstyleError(f"{seconds} seconds are too few; give more than 0")
    if max_evaluations is not None and not max_evaluations >= 1:
        raise GanstyleError(f"{max_evaluations} evaluations do nothing; give at least 1")


def check_optimizer(name: str, options: Mapping[str, object]) -> None:
    """There is such an optimizer, and it has these options; numbers are finite and not negative."""
    if name not in OPTIMIZERS:
        raise GanstyleError(f"there is no optimizer '{name}'; choose from {', '.join(sorted(OPTIMIZERS))}")
    parameters = inspect.signature(OPTIMIZERS[name]).parameters
    defaults = {key: it.default for key, it in parameters.items() if key not in ("problem", "x")}
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
