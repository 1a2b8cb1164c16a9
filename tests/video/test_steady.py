"""Steadiness: norm statistics over time, the flow-guided blend, cuts, and the warp error that measures it."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganstyle import stylize_video
from ganstyle.images import read_image, resize, write_image
from ganstyle.models import InstanceNorm
from ganstyle.style import Style, load_style
from ganstyle.stylize import PLAIN, Controls
from ganstyle.video import VideoSettings
from ganstyle.video.cuts import is_cut, scene_difference
from ganstyle.video.motion import MotionEstimator
from ganstyle.video.slow_norms import SlowNorms
from ganstyle.video.steady import SteadyPainter, with_contrast
from ganstyle.video.warp_error import MEASURED, WarpErrors, warp_error

PHOTO = Path(__file__).parents[2] / "ganstyle" / "assets" / "astronaut.jpg"


def camera(count: int, size: int, zoom: float = 0.004, pan: float = 1.6) -> list[Tensor]:
    """Return an exact pan and zoom over the photo that ships with ganstyle."""
    photo = resize(read_image(PHOTO), (2 * size, 2 * size))
    frames = []
    for index in range(count):
        scale = 0.5 * (1 - zoom * index)
        shift = -0.4 + pan * index / size
        matrix = torch.tensor([[[scale, 0, shift], [0, scale, 0.1]]])
        grid = nn.functional.affine_grid(matrix, [1, 3, size, size], align_corners=False)
        frames.append(nn.functional.grid_sample(photo, grid, mode="bicubic", align_corners=False).clamp(0, 1))
    return frames


def moved(image: Tensor, right: int) -> Tensor:
    return torch.roll(image, right, -1)


def test_motion_of_a_pan() -> None:
    before = camera(1, 96)[0]
    motion = MotionEstimator()(before, moved(before, 3))
    inside = motion.flow[16:-16, 16:-16]
    assert abs(float(inside[..., 0].mean()) + 3) < 0.2
    assert abs(float(inside[..., 1].mean())) < 0.2
    assert motion.visible[..., 16:-16, 16:-16].mean() > 0.9
    assert motion.visible[..., :, 0].mean() < 0.3  # came into view
    carried = motion.carry(before, crisp=True)
    assert (carried - moved(before, 3))[..., 16:-16, 16:-16].abs().mean() < 0.01


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (8, 8), (9, 31)])
def test_tiny_pictures_have_a_motion(size: tuple[int, int]) -> None:
    motion = MotionEstimator()(torch.rand(1, 3, *size), torch.rand(1, 3, *size))
    assert motion.carry(torch.rand(1, 3, *size)).shape == (1, 3, *size)
    assert motion.visible.shape == (1, 1, *size)


def test_warp_error_by_hand() -> None:
    before = torch.full((1, 3, 16, 16), 0.25)
    motion = MotionEstimator()(before, before)
    assert warp_error(before, before, motion) == 0
    assert warp_error(before, before + 0.5, motion) == pytest.approx(0.25)
    motion.visible.zero_()
    assert math.isnan(warp_error(before, before, motion))


def test_warp_errors_of_a_long_video_are_sampled() -> None:
    errors = WarpErrors(1000)
    wanted = [index for index in range(1000) if errors.wants(index)]
    assert len(wanted) <= 2 * MEASURED
    assert wanted[-1] > 900
    image = torch.rand(1, 3, 16, 16)
    motion = MotionEstimator()(image, image)
    for index in wanted:
        errors.add(index, motion if index % 42 else None, {"a": image, "b": image + 0.1 * (index % 2)})
    assert errors.pairs <= MEASURED
    assert errors.means()["a"] == 0
    assert errors.means()["b"] > 0
    assert WarpErrors(1).means() == {}


def test_cut_detection() -> None:
    first, *rest = camera(8, 64)
    assert not any(is_cut(a, b) for a, b in zip([first, *rest], rest, strict=False))
    assert is_cut(first, 1 - first)
    assert scene_difference(first, first) == pytest.approx(0, abs=1e-6)
    assert 0.9 < scene_difference(torch.zeros(1, 3, 20, 20), torch.ones(1, 3, 20, 20)) <= 1 + 1e-6
    assert scene_difference(first, (first + 0.02).clamp(0, 1)) < 0.4


def test_slow_norms_average_over_time_and_reset() -> None:
    network = nn.Sequential(InstanceNorm(3))
    slow = SlowNorms(network, 3)
    assert network[0].statistics is None
    frames = [torch.rand(1, 3, 6, 6) + index for index in range(3)]
    slow.begin_frame(reset=True)
    torch.testing.assert_close(slow.generator(frames[0]), network(frames[0]))
    slow.begin_frame(reset=False)
    second = slow.generator(frames[1])
    mean = (frames[0].mean((2, 3)) + frames[1].mean((2, 3))) / 2
    variance = sum(frame.var((2, 3), correction=0) for frame in frames[:2]) / 2
    expected = (frames[1] - mean[..., None, None]) / (variance[..., None, None] + 1e-5).sqrt()
    torch.testing.assert_close(second, expected)
    slow.begin_frame(reset=True)
    torch.testing.assert_close(slow.generator(frames[2]), network(frames[2]))


def test_slow_norms_keep_an_average_for_each_pass() -> None:
    slow = SlowNorms(nn.Sequential(InstanceNorm(3)), 3)
    small, large = torch.rand(1, 3, 4, 4), torch.rand(1, 3, 8, 8) + 5
    for reset in (True, False):
        slow.begin_frame(reset=reset)
        pictures = [slow.generator(small), slow.generator(large)]
    for picture in pictures:
        torch.testing.assert_close(picture.mean((2, 3)), torch.zeros(1, 3), atol=1e-5, rtol=0)


def test_contrast_is_restored() -> None:
    generator = torch.Generator().manual_seed(0)
    picture, other = (torch.rand(1, 3, 64, 64, generator=generator) for _ in range(2))
    blend = torch.lerp(picture, other, 0.5)
    restored = with_contrast(blend, picture)
    assert blend.std() < 0.8 * picture.std()
    assert restored.std() == pytest.approx(float(picture.std()), rel=0.1)
    torch.testing.assert_close(with_contrast(picture, picture), picture, atol=1e-5, rtol=0)
    torch.testing.assert_close(with_contrast(picture, blend), picture, atol=1e-5, rtol=0)  # never lowered


def test_steady_off_is_frame_by_frame(tiny_style: Style) -> None:
    steady = SteadyPainter(tiny_style, PLAIN)
    for photo in camera(3, 40):
        assert torch.equal(steady(photo).picture, tiny_style.paint(photo))


def test_strength_zero_returns_the_video(tiny_style: Style) -> None:
    steady = SteadyPainter(tiny_style, Controls(strength=0), blend=0.5, norm_frames=4)
    for photo in camera(3, 40):
        assert torch.equal(steady(photo).picture, photo)


def test_cut_resets_the_temporal_state(tiny_style: Style) -> None:
    steady = SteadyPainter(tiny_style, PLAIN, blend=0.5, norm_frames=4)
    first, second = camera(2, 40)
    steady(first)
    assert not torch.equal(steady(second).picture, tiny_style.paint(second))
    cut = steady(1 - second)
    assert cut.motion is None
    torch.testing.assert_close(cut.picture, tiny_style.paint(1 - second), atol=1e-5, rtol=0)


def gram(image: Tensor) -> Tensor:
    """Return the Gram matrix of a picture's pixels and their differences, for that of a feature network."""
    maps = [image - image.mean((2, 3), keepdim=True)]
    for step in (1, 2, 4):
        maps += [image - torch.roll(image, step, -1), image - torch.roll(image, step, -2)]
    flat = torch.cat(maps, 1)[0].flatten(1)
    return flat @ flat.T / flat.shape[1]


@pytest.mark.parametrize("style", ["wave", "starry_night"])
def test_pan_and_zoom_flickers_half_as_much(style: str, tmp_path: Path) -> None:
    """By the defaults, and with the style that each frame alone has."""
    for index, frame in enumerate(camera(7, 128)):
        write_image(frame, tmp_path / "frames" / f"{index}.png")
    result = stylize_video(style, tmp_path / "frames", tmp_path / "out", measure=True)
    assert result.pairs == 6
    assert result.warp_error["input"] < 1e-3
    assert result.warp_error["result"] < 0.5 * result.warp_error["frame_by_frame"]
    last = read_image(tmp_path / "frames" / "6.png")
    alone, steady = gram(load_style(style).paint(last)), gram(read_image(tmp_path / "out" / "6.png"))
    assert (steady - alone).norm() < 0.1 * alone.norm()


def test_json_reports_the_warp_errors(
    make_video: Callable[..., Path], tiny_style: Style, tmp_path: Path
) -> None:
    source = make_video("in.mp4")
    result: Any = stylize_video(tiny_style, source, tmp_path / "out.mp4", measure=True)
    assert set(result.warp_error) == {"input", "frame_by_frame", "result"}
    alone = VideoSettings(steady=0, norm_frames=1)
    result = stylize_video(tiny_style, source, tmp_path / "alone.mp4", alone, measure=True)
    assert result.warp_error["result"] == pytest.approx(result.warp_error["frame_by_frame"])
    result = stylize_video(tiny_style, source, tmp_path / "not.mp4", alone)
    assert (result.warp_error, result.pairs) == ({}, 0)
