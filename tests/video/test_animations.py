"""GIF, WebP and folders of frames."""

from collections.abc import Callable
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import ExifTags, GifImagePlugin, Image

from ganstyle import stylize_video
from ganstyle.errors import GanstyleError, ImageError, ImageTooLargeError, VideoError
from ganstyle.images import from_pil, read_image, to_pil, write_image
from ganstyle.style import Style
from ganstyle.video import VideoSettings
from ganstyle.video.animation import read_animation, write_gif, write_webp
from ganstyle.video.clip import Clip, Coding, Frame
from ganstyle.video.frame_folder import in_order

DURATIONS = [40, 100, 250, 70]


def shades(count: int, size: tuple[int, int] = (20, 24)) -> list[torch.Tensor]:
    """Return pictures that each are of two shades, which a GIF can hold exactly."""
    pictures = []
    for index in range(count):
        picture = torch.full((1, 3, *size), 40 * index / 255)
        picture[..., : 6 + index] = 200 / 255
        pictures.append(picture)
    return pictures


@pytest.fixture
def animation(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes an animation of four pictures."""

    def make(name: str, loop: int | None = 0) -> Path:
        path = tmp_path / name
        first, *rest = [
            Image.fromarray((picture[0].permute(1, 2, 0) * 255).round().byte().numpy())
            for picture in shades(4)
        ]
        options: dict[str, Any] = {} if loop is None else {"loop": loop}
        options |= {"lossless": True} if name.endswith("webp") else {}
        first.save(path, save_all=True, append_images=rest, duration=DURATIONS, **options)
        return path

    return make


def read(path: Path) -> tuple[list[torch.Tensor], list[int], dict[Any, Any]]:
    with Image.open(path) as image:
        pictures, durations = [], []
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            pictures.append(from_pil(image))
            durations.append(round(image.info["duration"]))
        return pictures, durations, image.info


@pytest.mark.parametrize("source", ["in.gif", "in.webp", "in.png"])
@pytest.mark.parametrize("output", ["out.gif", "out.webp"])
def test_animation(
    animation: Callable[..., Path], negative: Style, tmp_path: Path, source: str, output: str
) -> None:
    stylize_video(negative, animation(source), tmp_path / output)
    pictures, durations, info = read(tmp_path / output)
    assert durations == DURATIONS
    assert info["loop"] == 0
    tolerance = 0.51 / 255 if output.endswith("gif") else 0.06
    for picture, shade in zip(pictures, shades(4), strict=True):
        assert (1 - shade - picture).abs().mean() < tolerance


@pytest.mark.parametrize("name", ["in.webp", "in.png"])
def test_animation_is_turned_upright(negative: Style, tmp_path: Path, name: str) -> None:
    lying = [picture.transpose(-1, -2).flip(-2) for picture in shades(3)]  # turned to the left
    first, *rest = map(to_pil, lying)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    options: dict[str, Any] = {"lossless": True} if name == "in.webp" else {}
    first.save(tmp_path / name, save_all=True, append_images=rest, duration=100, exif=exif, **options)
    assert stylize_video(negative, tmp_path / name, tmp_path / "out.gif").size == (20, 24)
    for picture, shade in zip(read(tmp_path / "out.gif")[0], shades(3), strict=True):
        torch.testing.assert_close(picture, 1 - shade, atol=0.51 / 255, rtol=0)


@pytest.mark.parametrize(("name", "side"), [("out.webp", 16_384), ("out.gif", 65_536)])
def test_pictures_too_large_for_an_animation(tmp_path: Path, name: str, side: int) -> None:
    frames = [Frame(torch.zeros(1, 3, 1, side), Fraction(i), Fraction(1)) for i in range(2)]
    clip = Clip(tmp_path, (1, side), 2, Fraction(2), Coding(), lambda: iter(frames))
    write: dict[str, Callable[[Path], None]] = {
        "out.gif": lambda path: write_gif(path, frames, loops=0),
        "out.webp": lambda path: write_webp(path, frames, clip, clip.size, quality=90),
    }
    with pytest.raises(VideoError, match=rf"^{side}x1 pixels cannot be written as {name[4:]} \("):
        write[name](tmp_path / name)


def test_gif_repeats_a_picture_that_is_shown_for_long(tmp_path: Path) -> None:
    frames = [Frame(picture, Fraction(i * 1000), Fraction(1000)) for i, picture in enumerate(shades(2))]
    write_gif(tmp_path / "out.gif", frames, loops=1)
    assert read(tmp_path / "out.gif")[1] == [655350, 344650] * 2


@pytest.mark.parametrize(("loop", "times"), [(None, 1), (0, 0), (1, 2), (4, 5)])
def test_gif_keeps_its_loop_count(
    animation: Callable[..., Path], negative: Style, tmp_path: Path, loop: int | None, times: int
) -> None:
    source = animation("in.gif", loop)
    assert read_animation(source).loops == times
    stylize_video(negative, source, tmp_path / "out.gif")
    assert read(tmp_path / "out.gif")[2].get("loop") == loop
    stylize_video(negative, source, tmp_path / "out.webp")
    assert read(tmp_path / "out.webp")[2]["loop"] == times


def test_stopping_early_leaves_a_whole_animation(
    animation: Callable[..., Path], negative: Style, tmp_path: Path
) -> None:
    for name in ("out.gif", "out.webp"):
        seen: list[int] = []
        result = stylize_video(
            negative,
            animation("in.gif"),
            tmp_path / name,
            on_progress=lambda progress, seen=seen: seen.append(progress.done),  # type: ignore[misc]
            should_stop=lambda seen=seen: len(seen) == 2,  # type: ignore[misc]
        )
        assert (result.frames, result.stopped) == (2, True)
        assert read(tmp_path / name)[1] == DURATIONS[:2]


def test_a_single_picture_is_no_video(negative: Style, tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "a.webp"):
        write_image(shades(1)[0], tmp_path / name)
        with pytest.raises(VideoError, match=rf"{name}: is a single picture; use: ganstyle stylize$"):
            stylize_video(negative, tmp_path / name, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()


def test_a_gif_that_is_cut_off(animation: Callable[..., Path], negative: Style, tmp_path: Path) -> None:
    source = animation("in.gif")
    source.write_bytes(source.read_bytes()[:-60])
    with pytest.raises(ImageError, match=r"in\.gif: damaged"):
        stylize_video(negative, source, tmp_path / "out.gif")
    assert not (tmp_path / "out.gif").exists()


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """Frames whose names sort by number, not by letter."""
    for number, picture in zip((1, 2, 10, 11), shades(4), strict=True):
        write_image(picture, tmp_path / "frames" / f"frame{number}.png")
    return tmp_path / "frames"


def test_folder_of_frames(frames: Path, negative: Style, tmp_path: Path) -> None:
    result = stylize_video(negative, frames, tmp_path / "out")
    assert result.frames == 4
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "frame1.png",
        "frame10.png",
        "frame11.png",
        "frame2.png",
    ]
    for path, picture in zip(in_order((tmp_path / "out").iterdir()), shades(4), strict=True):
        torch.testing.assert_close(read_image(path), 1 - picture, atol=0.51 / 255, rtol=0)
    with pytest.raises(GanstyleError, match=r"frame1\.png: exists already; use --force to replace it"):
        stylize_video(negative, frames, tmp_path / "out")
    stylize_video(negative, frames, tmp_path / "out", overwrite=True)


def test_frames_to_video_and_back(frames: Path, negative: Style, tmp_path: Path) -> None:
    settings = VideoSettings(fps=Fraction(30000, 1001), crf=2)
    stylize_video(negative, frames, tmp_path / "out.mp4", settings)
    result = stylize_video(negative, tmp_path / "out.mp4", tmp_path / "back")
    assert result.frames == 4
    names = [f"{number:06}.png" for number in (1, 2, 3, 4)]
    assert sorted(path.name for path in (tmp_path / "back").iterdir()) == names
    for name, picture in zip(names, shades(4), strict=True):
        assert (read_image(tmp_path / "back" / name) - picture).abs().mean() < 0.04
    with pytest.raises(GanstyleError, match=r"000001\.png: exists already"):
        stylize_video(negative, tmp_path / "out.mp4", tmp_path / "back")


def test_frames_per_second_with_many_digits(
    frames: Path, negative: Style, tmp_path: Path, read_content: Callable[[Path], Any]
) -> None:
    stylize_video(negative, frames, tmp_path / "out.mkv", VideoSettings(fps=Fraction("23.976023976023976")))
    starts = read_content(tmp_path / "out.mkv").starts
    assert [float(start) for start in starts] == pytest.approx([i * 1001 / 24000 for i in range(4)], abs=6e-4)
    with pytest.raises(GanstyleError, match=r"^fps 1e-09: give pictures a second"):
        VideoSettings(fps=Fraction(1, 10**9))


@pytest.mark.parametrize("name", ["frame3.webp", "link.webp"])
def test_frames_are_never_replaced(frames: Path, negative: Style, tmp_path: Path, name: str) -> None:
    write_image(shades(1)[0], frames / "frame3.webp")
    (tmp_path / "link.webp").symlink_to(frames / "frame3.webp")
    content = (frames / "frame3.webp").read_bytes()
    output = (frames if name == "frame3.webp" else tmp_path) / name
    with pytest.raises(GanstyleError, match=rf"{name}: is an input, which is never replaced"):
        stylize_video(negative, frames, output, overwrite=True)
    assert (frames / "frame3.webp").read_bytes() == content


def test_animation_among_its_frames_is_never_replaced(
    animation: Callable[..., Path], negative: Style, tmp_path: Path
) -> None:
    content = animation("000002.png").read_bytes()
    with pytest.raises(GanstyleError, match=r"000002\.png: is an input, which is never replaced"):
        stylize_video(negative, tmp_path / "000002.png", tmp_path, overwrite=True)
    assert [path.read_bytes() for path in tmp_path.glob("0*")] == [content]


def test_frames_of_two_sizes(frames: Path, negative: Style, tmp_path: Path) -> None:
    write_image(shades(1, (21, 24))[0], frames / "frame3.png")
    with pytest.raises(
        VideoError, match=r"frame3\.png: has 24x21 pixels, not 24x20 pixels as frame1\.png has"
    ):
        stylize_video(negative, frames, tmp_path / "out")
    (frames / "frame3.png").write_text("words")
    with pytest.raises(ImageError, match=r"frame3\.png: not an image"):
        stylize_video(negative, frames, tmp_path / "out.mp4")
    assert not (tmp_path / "out").exists()


def test_a_folder_without_frames(negative: Style, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for output in ("out", "out.mp4"):
        with pytest.raises(GanstyleError, match="holds no"):
            stylize_video(negative, tmp_path / "empty", tmp_path / output)


def test_frames_are_sorted_naturally() -> None:
    names = ["a/2.png", "a/10.png", "a/b1.png", "a10.png", "a2.png", "b.png", "1.png", "5²6.png"]
    expected = ["1.png", "5²6.png", "a2.png", "a10.png", "a/2.png", "a/10.png", "a/b1.png", "b.png"]
    assert [str(path) for path in in_order(map(Path, names))] == expected


@pytest.mark.parametrize("kind", ["TIFF", "GIF"])
def test_later_pictures_larger_than_the_limit(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, small, large = tmp_path / "in", Image.new("P", (16, 16), 1), Image.new("P", (64, 48), 2)
    for picture in (small, large):
        picture.putpalette(range(256))
    if kind == "TIFF":
        small.save(source, kind, save_all=True, append_images=[large])
    else:  # Pillow itself writes pictures of one size only
        header, pictures = GifImagePlugin.getheader(small)[0], map(GifImagePlugin.getdata, (small, large))
        source.write_bytes(b"".join([*header, *chain.from_iterable(pictures), b";"]))
    assert read_animation(source).size == (48, 64)
    monkeypatch.setattr("ganstyle.video.animation.MAX_PIXELS", 1000)
    with pytest.raises(ImageTooLargeError, match="in: 64x48 pixels is more than the limit of 1,000 pixels"):
        read_animation(source)
