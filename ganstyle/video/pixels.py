"""Decoded frames to tensors and back: YUV of any depth to RGB, upright."""

import struct
from typing import Any

import numpy as np
import torch
from av import VideoFrame
from av.sidedata.sidedata import Type
from av.video.reformatter import Interpolation, VideoReformatter
from torch import Tensor

from ganstyle.video.clip import Coding

_UNKNOWN = 2
_BT709, _BT601 = 1, 5
_HD = 720  # lines from which on video without a matrix is BT.709, as players take it
_FULL_RANGE = 2

# FFmpeg's matrices that its scaler knows, by the scaler's number for them.
_MATRICES = {1: _BT709, 4: 4, 5: _BT601, 6: _BT601, 7: 7, 9: 9, 10: 9}

# Display matrices by how many quarters a frame is turned to the left.
_QUARTERS = [(1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0)]

# By default the scaler rounds down, which darkens a video by half a level.
_ACCURATE = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.FULL_CHR_H_INT
)


class PixelConverter:
    """Converts the frames of one video; it holds the scaler's tables."""

    def __init__(self) -> None:
        self._scaler = VideoReformatter()

    def to_tensor(self, frame: VideoFrame) -> Tensor:
        """Return a frame as (1, 3, H, W) in [0, 1], turned upright as its display matrix says."""
        deep = frame.format.components[0].bits > 8
        matrix = scaler_matrix(frame.colorspace, frame.height)
        rgb = self._scaler.reformat(
            frame,
            format="rgb48le" if deep else "rgb24",
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=frame.color_range,
            dst_color_range=_FULL_RANGE,
            interpolation=_ACCURATE,
        )
        levels = upright(torch.from_numpy(rgb.to_ndarray()).permute(2, 0, 1), display_matrix(frame))
        image = torch.empty(1, *levels.shape)
        return image.copy_(levels).div_(65535 if deep else 255)

    def to_frame(self, image: Tensor, coding: Coding, pixel_format: str) -> VideoFrame:
        """Return (1, 3, H, W) in [0, 1] as a frame to be encoded."""
        deep = coding.bits > 8
        top = 65535 if deep else 255
        levels = (image[0].permute(1, 2, 0) * top + 0.5).clamp(0, top).cpu().numpy()
        rgb = VideoFrame.from_ndarray(
            np.ascontiguousarray(levels.astype(np.uint16 if deep else np.uint8)),
            "rgb48le" if deep else "rgb24",
        )
        matrix = scaler_matrix(coding.matrix, image.shape[-2])
        return self._scaler.reformat(
            rgb,
            format=pixel_format,
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=_FULL_RANGE,
            dst_color_range=coding.color_range or 1,
            interpolation=_ACCURATE,
        )


def scaler_matrix(matrix: int, height: int) -> int:
    """Return the scaler's number for a matrix; for an unknown one, that which players assume."""
    return _MATRICES.get(matrix, _BT709 if height >= _HD else _BT601)


def coding_of(frame: VideoFrame) -> Coding:
    """Return how a frame is coded, without what only its stream knows."""
    if frame.format.is_rgb:  # is encoded as YUV
        return Coding(bits=frame.format.components[0].bits)
    known = frame.colorspace in _MATRICES
    return Coding(
        bits=frame.format.components[0].bits,
        color_range=frame.color_range,
        matrix=frame.colorspace if known else _UNKNOWN,
        primaries=frame.color_primaries,
        transfer=frame.color_trc,
    )


def display_matrix(frame: VideoFrame) -> tuple[int, int, int, int]:
    """Return a, b, c, d of a frame's display matrix: the pixel (x, y) is shown at (ax + cy, bx + dy)."""
    try:
        side_data: Any = frame.side_data  # PyAV's stubs take it for a mapping
    except ValueError:  # some kinds, such as EXIF, PyAV does not know; mirrored frames are only turned
        return _QUARTERS[round(frame.rotation / 90) % 4]
    for data in side_data:
        if data.type == Type.DISPLAYMATRIX:
            a, b, _, c, d = struct.unpack("<5i", bytes(data)[:20])
            return a, b, c, d
    return 1, 0, 0, 1


def swaps_axes(matrix: tuple[int, int, int, int]) -> bool:
    """Say whether a display matrix turns by a quarter."""
    a, b, c, d = matrix
    return abs(b) + abs(c) > abs(a) + abs(d)


def upright(image: Tensor, matrix: tuple[int, int, int, int]) -> Tensor:
    """Turn and mirror (..., H, W) as a display matrix says, by quarters."""
    a, b, c, d = matrix
    if swaps_axes(matrix):
        image, a, d = image.transpose(-1, -2), c, b
    mirrored = [axis for axis, sign in ((-1, a), (-2, d)) if sign < 0]
    return image.flip(mirrored) if mirrored else image
