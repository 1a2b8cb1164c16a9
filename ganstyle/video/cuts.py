"""Cuts: where a video goes on with another scene."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ganstyle.images.color import luminance

_BLOCKS = 4
_LEVELS = 16
_THUMBNAIL = 64
_LIMIT = 0.55  # of 1; within a scene at most 0.43 was seen, with fast motion; between scenes 0.66 and more


def is_cut(before: Tensor, now: Tensor) -> bool:
    """Say whether two pictures in a row, (1, 3, H, W) in [0, 1], show different scenes.

    The histograms of light and dark in 4x4 parts of the picture are compared: motion hardly changes them.
    """
    return scene_difference(before, now) > _LIMIT


def scene_difference(before: Tensor, now: Tensor) -> float:
    """Return half the mean L1 distance of the pictures' local histograms: 0 for equal ones, at most 1."""
    return float((_histograms(before) - _histograms(now)).abs().sum(1).mean() / 2)


def _histograms(image: Tensor) -> Tensor:
    """Return the histogram of each part of a picture, (16, levels), with soft bins."""
    size = (_THUMBNAIL, _THUMBNAIL)
    light = F.interpolate(luminance(image), size, mode="bilinear", antialias=True).clamp(0, 1)
    places = torch.arange(_LEVELS, dtype=light.dtype).view(1, -1, 1, 1) / (_LEVELS - 1)
    # A pixel between two levels counts for both, so that a small change of light is a small difference.
    soft = (1 - (light - places).abs() * (_LEVELS - 1)).clamp(min=0)
    return F.adaptive_avg_pool2d(soft, _BLOCKS)[0].flatten(1).T
