"""What accompanies the pictures of a video file: sound, subtitles, fonts, chapters and titles."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
from av.container import InputContainer, OutputContainer

from ganstyle.video.container_input import opened_video, start_of
from ganstyle.video.subtitles import TEXT_CODECS, convert_text, is_text

_ENCODERS = {"webm": ("libopus", 48_000)}  # what sound becomes that a container cannot hold
_ENCODER = ("aac", None)
_COPIED = ("audio", "subtitle", "attachment")

# FFmpeg writes these into .mp4 but not .mov, and says so only when it is too late.
_ONLY_MP4 = ("opus", "flac", "truehd")

_NO_TEXT = b"\0\0"  # a pause between two subtitles in MP4, which the muxer writes by itself

# Of the file that was read, not of its content; and where it was filmed, which is nobody else's business.
_LEFT_OUT = ("encoder", "major_brand", "minor_version", "compatible_brands", "duration", "location")


class Companions:
    """Copies a video's sound and subtitles into the file of its painting, in step with the pictures.

    Packets are copied as they are. What the new container cannot hold is converted: sound is encoded again,
    and of subtitles the text is kept. Subtitles that are pictures are left out.

    Args:
        source: the video; read on while pictures are written.
        output: the painting's file, before anything is written to it.
    """

    def __init__(self, source: InputContainer, output: OutputContainer) -> None:
        self.notes: list[str] = []
        self._output = output
        self._offset = start_of(source)
        self._copies: dict[int, Any] = {}
        self._encoders: dict[int, _Encoder] = {}
        self._texts: dict[int, tuple[str, str]] = {}  # subtitles' old and new codec
        for stream in source.streams:
            if stream.type in _COPIED:
                self._add(stream)
        output.metadata.update(_kept(source.metadata))
        output.set_chapters(source.chapters())
        known = self._copies.keys() | self._encoders.keys()
        streams = [source.streams[index] for index in known if source.streams[index].type != "attachment"]
        self._packets: Iterator[Any] = source.demux(*streams) if streams else iter(())
        self._waiting = next(self._packets, None)

    def copy_until(self, seconds: Fraction | None) -> None:
        """Copy everything that begins before a time of the video; None: all that is left."""
        while self._waiting is not None:
            packet = self._waiting
            if packet.dts is not None:
                begin = (
                    packet.pts if packet.pts is not None else packet.dts
                ) * packet.time_base - self._offset
                if seconds is not None and begin >= seconds:
                    return
            self._copy(packet)
            self._waiting = next(self._packets, None)

    def finish(self) -> None:
        """Write what the encoders of sound still hold."""
        for encoder in self._encoders.values():
            self._output.mux(encoder.finish())

    def _add(self, stream: Any) -> None:
        name = _codec(stream)
        try:
            if name in _ONLY_MP4 and self._format == "mov":
                raise ValueError(name)
            copy = self._output.add_stream_from_template(stream)
        except (ValueError, av.FFmpegError):
            if stream.type == "subtitle" and is_text(name) and self._format in TEXT_CODECS:
                codec = TEXT_CODECS[self._format]
                copy = self._output.add_mux_stream(codec, time_base=stream.time_base)
                self._copies[stream.index] = copy
                self._texts[stream.index] = (name, codec)
            elif stream.type == "audio" and stream.codec_context is not None:
                encoder = _Encoder(stream, self._output)
                self._encoders[stream.index] = encoder
                copy = encoder.stream
                self.notes.append(
                    f"the sound is encoded again as {_codec(copy)}: {self._format} holds no {name}"
                )
            else:
                self.notes.append(_without(stream, self._format))
                return
        else:
            self._copies[stream.index] = copy
        copy.metadata.update(_kept(stream.metadata))
        if stream.type != "attachment":
            copy.disposition = stream.disposition

    @property
    def _format(self) -> str:
        return str(self._output.format.name)

    def _copy(self, packet: Any) -> None:
        index = packet.stream.index
        if index in self._encoders:
            self._output.mux(self._encoders[index].encode(packet))
        elif packet.dts is not None and bytes(packet) != _NO_TEXT:  # the last one of a stream has no time
            shift = round(self._offset / packet.time_base)
            packet.dts -= shift
            if packet.pts is not None:
                packet.pts -= shift
            if index in self._texts:
                packet = _replaced(packet, convert_text(bytes(packet), *self._texts[index]))
            packet.stream = self._copies[index]
            self._output.mux(packet)


class _Encoder:
    """Encodes sound again, for a container that cannot hold its codec."""

    def __init__(self, source: Any, output: OutputContainer) -> None:
        name, rate = _ENCODERS.get(str(output.format.name), _ENCODER)
        stream = cast(Any, output.add_stream(name, rate=rate or source.rate))
        stream.layout = source.layout
        self.stream, context = stream, stream.codec_context
        self._resampler = av.AudioResampler(context.format, context.layout, context.rate)

    def encode(self, packet: Any) -> list[Any]:
        """Return a packet's sound as new packets."""
        frames = [part for frame in packet.decode() for part in self._resampler.resample(frame)]
        return [packet for frame in frames for packet in self.stream.encode(frame)]

    def finish(self) -> list[Any]:
        """Return the last packets."""
        rest = [packet for frame in self._resampler.resample(None) for packet in self.stream.encode(frame)]
        return [*rest, *self.stream.encode(None)]


def left_out(source: Path, holder: str) -> list[str]:
    """Return what of a video's sound and subtitles gets lost in something that holds pictures only, in lines.

    Args:
        source: the video.
        holder: what it becomes.
    """
    with opened_video(source) as container:
        return [
            _without(stream, holder) for stream in container.streams if stream.type in ("audio", "subtitle")
        ]


def _without(stream: Any, holder: str) -> str:
    return f"the {_codec(stream)} {stream.type} is left out: {holder} cannot hold it"


def _replaced(packet: Any, data: bytes) -> Any:
    """Return a packet with other data and the same times."""
    new: Any = av.Packet(data)
    new.time_base, new.pts, new.dts, new.duration = packet.time_base, packet.pts, packet.dts, packet.duration
    return new


def _kept(metadata: dict[str, str]) -> dict[str, str]:
    return {
        key: value for key, value in metadata.items() if not any(part in key.lower() for part in _LEFT_OUT)
    }


def _codec(stream: Any) -> str:
    """Return the name of a stream's codec."""
    return str(stream.codec_context.codec.canonical_name) if stream.codec_context else "unknown"
