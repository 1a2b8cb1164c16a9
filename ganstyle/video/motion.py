"""How pictures move: dense optical flow from one picture of a video to the next."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from ganstyle.images.color import luminance

_SMALLEST = 12  # sides in pixels below which OpenCV estimates nothing


@dataclass(frozen=True, eq=False)
class Motion:
    """The motion from one picture to the next.

    Attributes:
        flow: (H, W, 2) pixels: what is at (x, y) now was at (x, y) + flow before.
        visible: (1, 1, H, W), 1 where a pixel was visible before and its motion is known, else 0.
    """

    flow: np.ndarray
    visible: Tensor

    def carry(self, image: Tensor, *, crisp: bool = False) -> Tensor:
        """Return a picture from before, (1, C, H, W), moved to where things are now.

        Args:
            image: a picture of the time before.
            crisp: interpolate over 8x8 pixels, so that a picture carried from frame to frame stays sharp.
        """
        method = cv2.INTER_LANCZOS4 if crisp else cv2.INTER_LINEAR
        return _to_tensor(_remap(image[0].permute(1, 2, 0).numpy(), _origins(self.flow), method))


class MotionEstimator:
    """Estimates motion by dense inverse search (Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse
    Search"), OpenCV's, which has no weights.
    """  # noqa: D205

    def __init__(self) -> None:
        library: Any = cv2  # its stubs lack the class
        self._search = library.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def __call__(self, before: Tensor, now: Tensor) -> Motion:
        """Return the motion between two pictures, (1, 3, H, W) in [0, 1]."""
        height, width = now.shape[-2:]
        if min(height, width) < _SMALLEST:
            still = np.zeros((height, width, 2), np.float32)
            return Motion(still, torch.zeros(1, 1, height, width))
        first, second = _gray(before), _gray(now)
        backward: np.ndarray = self._search.calc(second, first, None)
        forward: np.ndarray = self._search.calc(first, second, None)
        return Motion(backward, _visible(backward, forward))


def _visible(backward: np.ndarray, forward: np.ndarray) -> Tensor:
    """Return where the flow can be trusted, (1, 1, H, W).

    By the rules of Ruder et al. 2016, "Artistic Style Transfer for Videos": a pixel was hidden where the flow
    back and forth does not return to it, or where it leads out of the picture. At the edges of motion the
    flow is uncertain.
    """
    height, width = backward.shape[:2]
    grid = _origins(backward)
    returned = _remap(forward, grid, cv2.INTER_LINEAR)
    gap = np.sum((backward + returned) ** 2, axis=2)
    length = np.sum(backward**2, axis=2) + np.sum(returned**2, axis=2)
    hidden = gap > 0.01 * length + 0.5
    outside = (grid < 0).any(axis=2) | (grid[..., 0] > width - 1) | (grid[..., 1] > height - 1)
    slopes = sum(np.sum(slope**2, axis=2) for slope in np.gradient(backward, axis=(0, 1)))
    edge = slopes > 0.01 * np.sum(backward**2, axis=2) + 0.002
    return torch.from_numpy(~(hidden | outside | edge)).float()[None, None]


def _origins(flow: np.ndarray) -> np.ndarray:
    """Return where each pixel was before, x and y, (H, W, 2)."""
    height, width = flow.shape[:2]
    places = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=2)
    origins: np.ndarray = flow + places
    return origins


def _gray(image: Tensor) -> np.ndarray:
    levels: np.ndarray = (luminance(image)[0, 0] * 255).round().clamp(0, 255).byte().cpu().numpy()
    return levels


def _remap(image: np.ndarray, grid: np.ndarray, method: int) -> np.ndarray:
    remap: Any = cv2.remap  # its stubs do not know that one map may hold both coordinates
    moved: np.ndarray = remap(
        np.ascontiguousarray(image), grid.astype(np.float32), None, method, borderMode=cv2.BORDER_REPLICATE
    )
    return moved


def _to_tensor(image: np.ndarray) -> Tensor:
    return torch.from_numpy(np.atleast_3d(image)).permute(2, 0, 1)[None].contiguous()
