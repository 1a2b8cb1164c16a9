"""A photo that turns into a painting, and a painting that turns into another."""

from pathlib import Path

import pytest
import torch
from PIL import Image, ImageSequence
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.images import from_pil, write_image
from ganstyle.style import Style, load_style, style_from
from ganstyle.stylize import Controls
from ganstyle.video.transition import STEPS, write_transition


@pytest.fixture
def photo() -> Tensor:
    small = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.interpolate(small, scale_factor=8, mode="bilinear")


@pytest.fixture(scope="module")
def paintings(tmp_path_factory: pytest.TempPathFactory) -> list[Style]:
    folder = tmp_path_factory.mktemp("paintings")
    for seed in range(3):
        image = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
        write_image(torch.nn.functional.interpolate(image, 72), folder / f"{seed}.png")
    return [style_from(folder / f"{seed}.png") for seed in range(3)]


def pictures(path: Path) -> tuple[list[Tensor], list[int]]:
    with Image.open(path) as image:
        assert image.info["loop"] == 0  # without end
        frames = [(from_pil(frame), frame.info["duration"]) for frame in ImageSequence.Iterator(image)]
    return [frame for frame, _ in frames], [duration for _, duration in frames]


def assert_near(picture: Tensor, expected: Tensor) -> None:
    assert float((picture - expected).abs().mean()) < 0.03  # a GIF has 256 colors


def test_photo_turns_into_its_painting_and_back(photo: Tensor, tmp_path: Path) -> None:
    style, path = load_style("wave"), tmp_path / "out.gif"
    assert write_transition(path, photo, [style], Controls(0.8)) == 2 * STEPS
    frames, durations = pictures(path)
    assert len(frames) == 2 * STEPS
    assert_near(frames[0], photo)
    assert_near(frames[STEPS], style(photo, strength=0.8))
    # From the first frame, not from the photo: 256 colors round the photo as well.
    distances = [float((frame - frames[0]).abs().mean()) for frame in frames]
    assert distances[: STEPS + 1] == sorted(distances[: STEPS + 1])
    torch.testing.assert_close(frames[STEPS + 1], frames[STEPS - 1])
    assert durations[0] == durations[STEPS] == 1000
    assert set(durations[1:STEPS]) <= {80, 90}


def test_codes_are_mixed_between_paintings(photo: Tensor, paintings: list[Style], tmp_path: Path) -> None:
    """Halfway, the picture is that of `style_from` with both paintings in equal shares."""
    path = tmp_path / "out.gif"
    assert write_transition(path, photo, paintings[:2]) == 2 * STEPS
    frames, _ = pictures(path)
    assert_near(frames[0], paintings[0](photo))
    assert_near(frames[STEPS], paintings[1](photo))
    codes = [tmp_path / "0.safetensors", tmp_path / "1.safetensors"]
    for style, file in zip(paintings, codes, strict=False):
        style.save_code(file)
    assert_near(frames[STEPS // 2], style_from(*codes)(photo))


def test_several_paintings_follow_each_other(photo: Tensor, paintings: list[Style], tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = tmp_path / "out.gif"
    count = write_transition(path, photo, paintings, on_progress=lambda *progress: seen.append(progress))
    assert count == 4 * STEPS
    assert seen == [(index + 1, 2 * STEPS + 1) for index in range(2 * STEPS + 1)]
    frames, durations = pictures(path)
    for index, style in enumerate(paintings):
        assert_near(frames[index * STEPS], style(photo))
        assert durations[index * STEPS] == 1000


def test_trained_styles_have_no_codes_to_mix(photo: Tensor, paintings: list[Style], tmp_path: Path) -> None:
    with pytest.raises(GanstyleError, match="wave: is a trained style"):
        write_transition(tmp_path / "out.gif", photo, [paintings[0], load_style("wave")])
    assert not (tmp_path / "out.gif").exists()


@pytest.mark.parametrize("name", ["out.mp4", "out", "folder.gif/out.png"])
def test_only_gif(photo: Tensor, paintings: list[Style], tmp_path: Path, name: str) -> None:
    with pytest.raises(GanstyleError, match=r"ends in \.gif"):
        write_transition(tmp_path / name, photo, paintings[:1])


def test_existing_files_are_kept(photo: Tensor, paintings: list[Style], tmp_path: Path) -> None:
    (tmp_path / "out.gif").write_text("mine")
    with pytest.raises(GanstyleError, match="exists already"):
        write_transition(tmp_path / "out.gif", photo, paintings[:1])
    assert (tmp_path / "out.gif").read_text() == "mine"
    write_transition(tmp_path / "out.gif", photo, paintings[:1], overwrite=True)
    assert len(pictures(tmp_path / "out.gif")[0]) == 2 * STEPS
