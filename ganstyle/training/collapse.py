"""Noticing a generator that has collapsed: one picture for all photos, or one color or stroke everywhere."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

EVERY = 10
"""Steps between two looks; they cost next to nothing."""

_CELLS = 8  # a side, of the grid of places that are compared
_PATIENCE = 5  # looks in a row
_MESSAGES = {
    "diversity/photos": "the pictures no longer depend on the photos",
    "diversity/places": "strokes and colors are the same all over the pictures",
}
_LEAST = 1e-3
_FLAT = 1e-6  # variance of photos that are all alike, or of one color


@torch.no_grad()
def diversity(picture: Tensor, photo: Tensor) -> dict[str, Tensor]:
    """Measure how much pictures differ from each other, and from place to place.

    Args:
        picture: the generator's output, (B, 3, H, W) in [0, 1].
        photo: what it was made from, of the same shape.

    Returns:
        Scalars, about 1 for pictures as varied as the photos: ``diversity/photos``, the variance over the
        batch, of pictures relative to photos; ``diversity/places``, likewise the variance over places, of
        colors and of the strokes' contrast. What photos do not vary in is left out.
    """
    picture, photo = picture.float(), photo.float()
    places = [_places(image).var((2, 3)).mean() for image in (picture, photo)]
    variances = {"diversity/places": places}
    if len(photo) > 1:
        variances["diversity/photos"] = [image.var(0).mean() for image in (picture, photo)]
    return {name: painted / seen for name, (painted, seen) in variances.items() if seen > _FLAT}


class CollapseWatch:
    """Reports a collapse once, when it has lasted, and again only after the generator has recovered."""

    def __init__(self) -> None:
        self._low = dict.fromkeys(_MESSAGES, 0)

    def update(self, logs: Sequence[Mapping[str, Tensor]], *, step: int) -> list[str]:
        """Take a step's measurements into account.

        Args:
            logs: of each batch of the step; those without `diversity` count for nothing.
            step: steps done.

        Returns:
            Lines for the user.
        """
        lines = []
        for name, message in _MESSAGES.items():
            values = [float(log[name]) for log in logs if name in log]
            if not values:
                continue
            self._low[name] = self._low[name] + 1 if max(values) < _LEAST else 0
            if self._low[name] == _PATIENCE:
                lines.append(
                    f"step {step}: warning: the generator has collapsed: {message}, {name} is "
                    f"{max(values):.1g}; raise loss.content, or lower loss.adversarial or optimizer.lr"
                )
        return lines


def _places(image: Tensor) -> Tensor:
    """Return the mean color and the contrast of each cell of a grid: (B, 6, cells, cells)."""
    mean = adaptive_avg_pool2d(image, _CELLS)
    contrast = (adaptive_avg_pool2d(image.square(), _CELLS) - mean.square()).clamp_min(0).sqrt()
    return torch.cat([mean, contrast], dim=1)
