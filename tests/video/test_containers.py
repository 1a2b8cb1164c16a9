"""Video files: what is not pictures stays as it was."""

import errno
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch

from ganstyle import stylize_video
from ganstyle.errors import VideoError
from ganstyle.style import Style
from ganstyle.video import VideoSettings
from ganstyle.video.clip import Frame
from ganstyle.video.container_input import read_video
from ganstyle.video.container_output import write_video

MakeVideo = Callable[..., Path]
ReadContent = Callable[[Path], Any]

CRISP = VideoSettings(crf=2)


def difference(video: Any, painted: Any) -> float:
    """Return the mean difference of a negative's frames from what they should be."""
    pairs = zip(video.pictures, painted.pictures, strict=True)
    return max(float((1 - a - b).abs().mean()) for a, b in pairs)


def test_h264_with_aac(
    make_video: MakeVideo, negative: Style, tmp_path: Path, read_content: ReadContent
) -> None:
    source, output = make_video("in.mp4", audio="aac"), tmp_path / "out.mp4"
    result = stylize_video(negative, source, output, CRISP)
    assert (result.frames, result.total, result.stopped, result.notes) == (8, 8, False, ())
    before, after = read_content(source), read_content(output)
    assert after.codecs == ["h264", "aac"]
    assert after.sound == before.sound
    assert after.starts == before.starts
    assert after.end == before.end
    assert difference(before, after) < 0.03


def test_no_audio(make_video: MakeVideo, negative: Style, tmp_path: Path, read_content: ReadContent) -> None:
    stylize_video(negative, make_video("in.mp4"), tmp_path / "out.mov", CRISP)
    assert read_content(tmp_path / "out.mov").codecs == ["h264"]


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv", "out.webm"])
def test_variable_frame_rate(
    make_video: MakeVideo, negative: Style, tmp_path: Path, read_content: ReadContent, name: str
) -> None:
    source = make_video("in.mp4", times=[0, 10, 60, 66, 120, 200, 201, 300])
    stylize_video(negative, source, tmp_path / name, CRISP)
    before, after = read_content(source), read_content(tmp_path / name)
    tolerance = Fraction(1, 1000) if name.endswith(("mkv", "webm")) else 0
    assert all(abs(a - b) <= tolerance for a, b in zip(after.starts, before.starts, strict=True))


@pytest.mark.parametrize(
    "turn",
    [
        {"degrees": 90},
        {"degrees": -90},
        {"degrees": 180},
        {"degrees": 90, "hflip": True},
        {"degrees": 0, "vflip": True},
    ],
    ids=str,
)
def test_display_matrix(
    make_video: MakeVideo,
    negative: Style,
    tmp_path: Path,
    read_content: ReadContent,
    turn: dict[str, Any],
) -> None:
    source = make_video("in.mp4", turn=turn, aspect=Fraction(4, 3))
    stylize_video(negative, source, tmp_path / "out.mp4", CRISP)
    painted = read_content(tmp_path / "out.mp4")
    picture = read_content(source).pictures[0]
    turned = torch.rot90(picture, turn["degrees"] // 90, (-2, -1))
    if turn.get("hflip"):
        turned = turned.flip(-1)
    if turn.get("vflip"):
        turned = turned.flip(-2)
    assert painted.pictures[0].shape == turned.shape
    assert (1 - turned - painted.pictures[0]).abs().mean() < 0.03
    assert painted.first.rotation == 0
    assert painted.stream["aspect"] == (Fraction(3, 4) if turn["degrees"] in (90, -90) else Fraction(4, 3))


@pytest.mark.parametrize("name", ["out.mp4", "out.webm"])
def test_odd_size(
    make_video: MakeVideo, negative: Style, tmp_path: Path, read_content: ReadContent, name: str
) -> None:
    source = make_video("in.mp4", size=(47, 63), pixels="yuv444p")
    assert stylize_video(negative, source, tmp_path / name, CRISP).size == (47, 63)
    assert read_content(tmp_path / name).pictures[0].shape == (1, 3, 47, 63)


def test_ten_bits(make_video: MakeVideo, negative: Style, tmp_path: Path, read_content: ReadContent) -> None:
    color = {"color_range": 1, "colorspace": 9, "color_primaries": 9, "color_trc": 18}
    source = make_video("in.mp4", codec="libx265", pixels="yuv420p10le", color=color)
    stylize_video(negative, source, tmp_path / "out.mp4", CRISP)
    before, after = read_content(source), read_content(tmp_path / "out.mp4")
    assert after.stream["bits"] == 10
    assert {name: after.stream[name] for name in color} == color
    assert after.stream["codec_tag"] == "hvc1"
    assert difference(before, after) < 0.03
    result = stylize_video(negative, source, tmp_path / "out.webm", CRISP)
    assert result.notes == ("10 bits become 8: the encoder for webm writes no more",)
    assert read_content(tmp_path / "out.webm").stream["color_primaries"] == 9


@pytest.mark.parametrize("color_range", [1, 2])
@pytest.mark.parametrize("matrix", [1, 5])
def test_color_range_and_matrix(
    make_video: MakeVideo,
    negative: Style,
    tmp_path: Path,
    read_content: ReadContent,
    color_range: int,
    matrix: int,
) -> None:
    color = {"color_range": color_range, "colorspace": matrix, "color_primaries": 1, "color_trc": 1}
    source = make_video("in.mp4", color=color)
    stylize_video(negative, source, tmp_path / "out.mkv", VideoSettings(strength=0, crf=0))
    after = read_content(tmp_path / "out.mkv")
    assert {name: after.stream[name] for name in color} == color
    frames = zip(read_video(source).frames(), read_video(tmp_path / "out.mkv").frames(), strict=True)
    for a, b in frames:
        assert (a.image - b.image).mean((0, 2, 3)).abs().max() < 1.5 / 255
        assert (a.image - b.image).abs().mean() < 2.5 / 255  # the colors' resolution is halved twice


@pytest.mark.parametrize(
    ("source", "codec", "output", "expected"),
    [
        ("in.mp4", "mov_text", "out.mp4", "mov_text"),
        ("in.mkv", "subrip", "out.mkv", "subrip"),
        ("in.mkv", "subrip", "out.mp4", "mov_text"),
        ("in.mp4", "mov_text", "out.mkv", "subrip"),
        ("in.mkv", "subrip", "out.webm", "webvtt"),
    ],
)
def test_subtitles(
    make_video: MakeVideo,
    negative: Style,
    tmp_path: Path,
    read_content: ReadContent,
    source: str,
    codec: str,
    output: str,
    expected: str,
) -> None:
    stylize_video(negative, make_video(source, subtitles=codec), tmp_path / output)
    after = read_content(tmp_path / output)
    assert after.codecs[1:] == [expected]
    texts = [text.removeprefix(b"\0\6") for text in after.text if text != b"\0\0"]
    assert texts == [b"line 0", b"line 1"]


def test_sound_that_the_container_cannot_hold(
    make_video: MakeVideo, negative: Style, tmp_path: Path, read_content: ReadContent
) -> None:
    result = stylize_video(negative, make_video("in.mp4", audio="aac"), tmp_path / "out.webm")
    assert result.notes == ("the sound is encoded again as opus: webm holds no aac",)
    assert read_content(tmp_path / "out.webm").codecs == ["vp9", "opus"]
    again = stylize_video(negative, tmp_path / "out.webm", tmp_path / "again.mov")
    assert again.notes == ("the sound is encoded again as aac: mov holds no opus",)
    assert len(read_content(tmp_path / "again.mov").sound) > 10


@pytest.mark.parametrize(
    ("output", "holder"), [("out.gif", "gif"), ("out.webp", "webp"), ("out", "a folder of frames")]
)
def test_sound_that_is_left_out_is_reported(
    make_video: MakeVideo, negative: Style, tmp_path: Path, output: str, holder: str
) -> None:
    source = make_video("in.mkv", count=2, audio="aac", subtitles="subrip")
    assert stylize_video(negative, source, tmp_path / output).notes == (
        f"the aac audio is left out: {holder} cannot hold it",
        f"the subrip subtitle is left out: {holder} cannot hold it",
    )


def test_stopping_early_leaves_a_whole_file(
    make_video: MakeVideo, negative: Style, tmp_path: Path, read_content: ReadContent
) -> None:
    source, output = make_video("in.mp4", audio="aac", count=20), tmp_path / "out.mp4"
    seen: list[int] = []
    result = stylize_video(
        negative,
        source,
        output,
        on_progress=lambda progress: seen.append(progress.done),
        should_stop=lambda: len(seen) == 6,
    )
    assert (result.frames, result.total, result.stopped) == (6, 20, True)
    after = read_content(output)
    assert len(after.pictures) == 6
    assert 0 < len(after.sound) < 0.5 * len(read_content(source).sound)
    assert read_video(output).count == 6
    nothing = stylize_video(negative, source, tmp_path / "none.mp4", should_stop=lambda: True)
    assert nothing.frames == 0
    assert not (tmp_path / "none.mp4").exists()


def test_max_side_gives_even_sides(make_video: MakeVideo, negative: Style, tmp_path: Path) -> None:
    source = make_video("in.mp4", size=(48, 64))
    assert stylize_video(negative, source, tmp_path / "a.mp4", VideoSettings(max_side=35)).size == (26, 36)
    assert stylize_video(negative, source, tmp_path / "b.mp4", VideoSettings(max_side=99)).size == (48, 64)


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def faststart(path: Path, negative: Style) -> Path:
    """Return the painting of a video, whose index stands at its beginning."""
    output = path.with_name("fast.mp4")
    stylize_video(negative, path, output, CRISP)
    return output


def test_broken_videos(make_video: MakeVideo, negative: Style, tmp_path: Path) -> None:
    text, empty = tmp_path / "text.mp4", tmp_path / "empty.mp4"
    text.write_text("These are words, not pictures.\n" * 40)
    empty.touch()
    damaged = faststart(make_video("a.mp4", count=30), negative)
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2 : -200] = bytes(
        i * 7919 % 256 for i in range(len(content[len(content) // 2 : -200]))
    )
    (tmp_path / "damaged.mp4").write_bytes(content)
    playlist = tmp_path / "list.mp4"
    playlist.write_text("#EXTM3U\n#EXTINF:1,\na.mp4\n#EXT-X-ENDLIST\n")
    broken = {
        tmp_path / "none.mp4": "no such file",
        text: "damaged or not a video",
        empty: "damaged or not a video",
        cut(make_video("b.mp4"), 0.9): "damaged or not a video",
        cut(damaged, 0.6): "is cut off",
        cut(make_video("c.mkv", count=40), 0.5): "is cut off at ",
        tmp_path / "damaged.mp4": "is damaged at ",
        playlist: "damaged or not a video",
    }
    for path, problem in broken.items():
        with pytest.raises(VideoError) as raised:
            stylize_video(negative, path, tmp_path / "out" / "out.mp4")
        message = str(raised.value)
        assert message.startswith(f"{path}: {problem}"), message
        assert "\n" not in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("companions", [False, True])
def test_full_disk_is_not_blamed_on_the_video(make_video: MakeVideo, companions: bool) -> None:
    clip = read_video(make_video("in.mkv", audio="aac"))
    full: Any = {"crf": 20, "companions": companions}
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_video(Path("/dev/full"), "matroska", clip.frames(), clip, clip.size, **full)
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize("companions", [False, True])
def test_encoder_errors_are_not_blamed_on_the_video(
    make_video: MakeVideo, tmp_path: Path, companions: bool
) -> None:
    clip = read_video(make_video("in.mkv", audio="aac"))
    wide = (Frame(torch.zeros(1, 3, 2, 20_000), each.start, each.duration) for each in clip.frames())
    with pytest.raises(VideoError, match=r"^20000x2 pixels cannot be written as mp4"):
        write_video(tmp_path / "o", "mp4", wide, clip, (2, 20_000), crf=20, companions=companions)


def test_file_names_are_not_protocols(
    make_video: MakeVideo, negative: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_video("concat:a|b.mp4")
    monkeypatch.chdir(tmp_path)
    assert stylize_video(negative, "concat:a|b.mp4", "out.mp4").frames == 8


def test_file_without_a_video_stream(make_video: MakeVideo, negative: Style, tmp_path: Path) -> None:
    import av

    source = make_video("in.mp4", audio="aac")
    with av.open(str(source)) as given, av.open(str(tmp_path / "sound.mp4"), "w") as output:
        stream: Any = output.add_stream_from_template(given.streams.audio[0])
        for packet in given.demux(given.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    with pytest.raises(VideoError, match=r"sound\.mp4: holds no video, only audio$"):
        stylize_video(negative, tmp_path / "sound.mp4", tmp_path / "out.mp4")
