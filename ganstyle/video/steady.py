"""Paint frame after frame so that strokes move with what they are painted on, rather than flicker."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from ganstyle.models import InstanceNorm
from ganstyle.stylize import Controls, PhotoPainter, TileSize, stylize_image
from ganstyle.video.cuts import is_cut
from ganstyle.video.motion import Motion, MotionEstimator
from ganstyle.video.slow_norms import SlowNorms

# Root mean square difference of a pixel from where it came from at which trust has dropped to 1/e.
_TRUST = 0.1
_BANDS = (1.0, 2.0, 4.0, 8.0)  # standard deviations in pixels of the blurs between bands of detail
_AREA = 12.0  # standard deviation of the area over which a band's contrast is measured
_MOST_CONTRAST = 2.0


@dataclass(frozen=True, eq=False)
class SteadyFrame:
    """A frame and its painting.

    Attributes:
        photo: the frame, (1, 3, H, W) in [0, 1].
        picture: its painting.
        motion: from the frame before; None at the beginning of a scene, and where nobody asked.
    """

    photo: Tensor
    picture: Tensor
    motion: Motion | None


class SteadyPainter:
    """Paints the frames of a video in order.

    Two things keep it steady: norm statistics are averaged over time (see `SlowNorms`), and each painting is
    blended with the one before, moved along with the optical flow of the video. Where something comes into
    view, or the flow does not explain what is seen, there is nothing to blend with. Averaging pictures takes
    contrast away, so each band of detail gets that of the frame's own painting back. A cut begins anew.

    Args:
        painter: what paints.
        controls: how.
        tile: see `ganstyle.stylize.stylize_image`; pictures painted in tiles keep their own statistics.
        blend: how much of the painting before stays, from 0 (nothing) to below 1.
        norm_frames: over about how many frames norm statistics are averaged; 1: each frame's own.
        with_motion: estimate motion even if nothing is blended.
    """

    def __init__(
        self,
        painter: PhotoPainter,
        controls: Controls,
        *,
        tile: TileSize = "auto",
        blend: float = 0.0,
        norm_frames: float = 1.0,
        with_motion: bool = False,
    ) -> None:
        self._painter, self._controls, self._tile = painter, controls, tile
        self._blend = blend if controls.strength > 0 else 0.0
        self._norms = SlowNorms(painter.generator, norm_frames) if _can_wait(painter, norm_frames) else None
        self._estimate = MotionEstimator() if self._blend > 0 or with_motion else None
        self._before: SteadyFrame | None = None

    def __call__(self, photo: Tensor) -> SteadyFrame:
        """Paint the next frame, (1, 3, H, W) in [0, 1]."""
        before = self._before
        if before is not None and (self._norms or self._estimate) and is_cut(before.photo, photo):
            before = None
        motion = self._estimate(before.photo, photo) if before and self._estimate else None
        picture = self._paint(photo, first=before is None)
        if before and motion and self._blend > 0:
            trust = motion.visible * _explained(before.photo, photo, motion)
            carried = motion.carry(before.picture, crisp=True).clamp(0, 1)
            picture = with_contrast(torch.lerp(picture, carried, self._blend * trust), picture)
        self._before = SteadyFrame(photo, picture, motion)
        return self._before

    def _paint(self, photo: Tensor, *, first: bool) -> Tensor:
        generator: nn.Module = self._painter.generator
        if self._norms:
            self._norms.begin_frame(reset=first)
            generator = self._norms.generator
        side = self._painter.trained_side
        return stylize_image(generator, photo, self._controls, trained_side=side, tile=self._tile)


def with_contrast(blend: Tensor, picture: Tensor) -> Tensor:
    """Return a blend with as much contrast as a picture has in the same place, band by band.

    Contrast is raised where the blend has less, by at most a factor of two, and never lowered.

    Args:
        blend: (1, 3, H, W) in [0, 1].
        picture: of the same shape.
    """
    rest, model = _to_array(blend), _to_array(picture)
    result = np.zeros_like(rest)
    for width in _BANDS:
        coarse, coarse_model = _blurred(rest, width), _blurred(model, width)
        detail = rest - coarse
        has = _blurred((detail**2).mean(2), _AREA)
        wanted = _blurred(((model - coarse_model) ** 2).mean(2), _AREA)
        gain = np.sqrt(wanted / np.maximum(has, 1e-6)).clip(1, _MOST_CONTRAST)
        result += gain[..., None] * detail
        rest, model = coarse, coarse_model
    return torch.from_numpy(result + rest).permute(2, 0, 1)[None].clamp(0, 1).contiguous()


def _explained(before: Tensor, now: Tensor, motion: Motion) -> Tensor:
    """Return how well the motion explains each pixel, (1, 1, H, W): 1 if it came from one of its color."""
    difference = (now - motion.carry(before)).square().mean(1, keepdim=True)
    return torch.exp(-difference / _TRUST**2)


def _can_wait(painter: PhotoPainter, norm_frames: float) -> bool:
    """Say whether there are statistics to be averaged: an exported graph keeps its norms inside."""
    return norm_frames > 1 and any(isinstance(part, InstanceNorm) for part in painter.generator.modules())


def _to_array(image: Tensor) -> np.ndarray:
    return np.ascontiguousarray(image[0].permute(1, 2, 0).numpy())


def _blurred(image: np.ndarray, width: float) -> np.ndarray:
    blurred: np.ndarray = cv2.GaussianBlur(image, (0, 0), width)
    return blurred
