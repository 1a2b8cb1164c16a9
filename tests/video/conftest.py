"""Small videos, made on the spot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganstyle.style import Style, load_style

TICK = Fraction(1, 600)


@dataclass
class Video:
    """What a test video has."""

    count: int = 8
    size: tuple[int, int] = (48, 64)
    times: Sequence[int] | None = None
    codec: str = "libx264"
    pixels: str = "yuv420p"
    audio: str | None = None
    subtitles: str | None = None
    turn: dict[str, Any] | None = None
    color: dict[str, int] = field(default_factory=dict)
    aspect: Fraction | None = None


def scene(count: int, height: int, width: int) -> np.ndarray:
    """Return frames of a smooth picture that moves, (N, H, W, 3) uint8."""
    noise = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    large = nn.functional.interpolate(noise, (2 * height, 2 * width), mode="bicubic").clamp(0, 1)
    frames = [large[0, :, i : i + height, i : i + width].permute(1, 2, 0) for i in range(count)]
    return (torch.stack(frames) * 255).byte().numpy()


def write(path: Path, video: Video) -> Path:
    """Write a video."""
    height, width = video.size
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream(video.codec, rate=24)
        stream.width, stream.height, stream.pix_fmt = width, height, video.pixels
        stream.codec_context.time_base = TICK
        if video.codec == "libx265":
            stream.options = {"x265-params": "log-level=none"}
        if video.aspect:
            stream.codec_context.sample_aspect_ratio = video.aspect
        for name, value in video.color.items():
            setattr(stream.codec_context, name, value)
        if video.turn:
            stream.set_display_rotation(**video.turn)
        sound: Any = output.add_stream(video.audio, rate=48_000) if video.audio else None
        text: Any = None
        if video.subtitles:
            text = output.add_mux_stream(video.subtitles, time_base=Fraction(1, 1000))
            text.metadata["language"] = "eng"
        times = video.times or [25 * i for i in range(video.count)]
        for pixels, time in zip(scene(video.count, height, width), times, strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            frame.time_base, frame.pts = TICK, time
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if sound:
            for i in range(video.count * 2):
                tone = np.sin(np.arange(i * 1024, (i + 1) * 1024) / 20).astype(np.float32)
                part = av.AudioFrame.from_ndarray(np.tile(tone, (2, 1)), "fltp", "stereo")
                part.sample_rate, part.pts, part.time_base = 48_000, i * 1024, Fraction(1, 48_000)
                output.mux(sound.encode(part))
            output.mux(sound.encode(None))
        if text:
            for i in range(2):
                words = f"line {i}".encode()
                start = len(words).to_bytes(2, "big") if video.subtitles == "mov_text" else b""
                packet: Any = av.Packet(start + words)
                packet.stream, packet.time_base = text, Fraction(1, 1000)
                packet.pts = packet.dts = 100 * i
                packet.duration = 80
                output.mux(packet)
    return path


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a video of a name; keywords are those of `Video`."""
    return lambda name, **values: write(tmp_path / name, Video(**values))


@dataclass
class Content:
    """What is in a video file."""

    codecs: list[str]
    starts: list[Fraction]
    end: Fraction
    pictures: list[Tensor]
    first: Any
    sound: list[bytes]
    text: list[bytes]
    stream: dict[str, Any]
    metadata: dict[str, str]


def read(path: Path) -> Content:
    """Read a video file as a player would."""
    packets: dict[str, list[bytes]] = {"audio": [], "subtitle": []}
    frames: list[Any] = []
    with av.open(str(path)) as source:
        pictures: Any = source.streams.video[0]
        codecs = [
            stream.codec_context.codec.canonical_name for stream in source.streams if stream.codec_context
        ]
        demuxed: Any = source.demux()
        for packet in demuxed:
            if packet.stream is pictures:
                frames += packet.decode()
            elif packet.dts is not None and packet.stream.type in packets:
                packets[packet.stream.type].append(bytes(packet))
        stream = {
            name: getattr(pictures.codec_context, name)
            for name in ("color_range", "colorspace", "color_primaries", "color_trc", "pix_fmt", "codec_tag")
        }
        stream["aspect"] = pictures.sample_aspect_ratio
        stream["bits"] = frames[0].format.components[0].bits
        last = frames[-1]
        return Content(
            codecs,
            [frame.pts * frame.time_base for frame in frames],
            (last.pts + last.duration) * last.time_base,
            [
                torch.from_numpy(frame.to_ndarray(format="rgb24")).permute(2, 0, 1)[None] / 255
                for frame in frames
            ],
            frames[0],
            packets["audio"],
            packets["subtitle"],
            stream,
            dict(source.metadata),
        )


@pytest.fixture
def read_content() -> Callable[[Path], Content]:
    """Return a function that reads a video file as a player would."""
    return read


class Negative(nn.Module):
    """Paints each picture in its opposite colors."""

    conditioned = False

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor, strength: float | Tensor = 1.0) -> Tensor:
        return 1 - x * self.weight


@pytest.fixture
def tiny_style(checkpoint: Path) -> Style:
    return load_style(checkpoint)


@pytest.fixture
def negative(tiny_style: Style) -> Style:
    return replace(tiny_style, generator=Negative().eval().requires_grad_(False))
