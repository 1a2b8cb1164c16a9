"""Subtitles as plain text, from one container's codec to another's."""

import html
import re
from collections.abc import Callable

_TAGS = re.compile(r"<[^>]*>|\{\\[^}]*\}")

TEXT_CODECS = {"mp4": "mov_text", "mov": "mov_text", "matroska": "subrip", "webm": "webvtt"}
"""Container → the codec of plain text that it holds."""


def _from_mov_text(data: bytes) -> str:
    """Return the text of a sample: its length in two bytes, then it, then perhaps how to show it."""
    return data[2 : 2 + int.from_bytes(data[:2], "big")].decode("utf-8", "replace")


def _from_text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _from_ass(data: bytes) -> str:
    """Return the last of an event's nine fields."""
    return _from_text(data).split(",", 8)[-1].replace(r"\N", "\n").replace(r"\n", "\n")


_READERS: dict[str, Callable[[bytes], str]] = {
    "ass": _from_ass,
    "mov_text": _from_mov_text,
    "subrip": _from_text,
    "text": _from_text,
    "webvtt": _from_text,
}


def is_text(codec: str) -> bool:
    """Say whether subtitles of a codec are text, rather than pictures as on DVDs."""
    return codec in _READERS


def convert_text(data: bytes, source: str, target: str) -> bytes:
    """Return a packet's text as a packet of another codec, without tags for fonts and colors.

    Args:
        data: a packet.
        source: its codec; see `is_text`.
        target: one of the values of `TEXT_CODECS`.
    """
    plain = _TAGS.sub("", _READERS[source](data))
    if source == "webvtt":  # which alone writes & and < as names
        plain = html.unescape(plain)
    text = (html.escape(plain, quote=False) if target == "webvtt" else plain).encode()
    return len(text).to_bytes(2, "big") + text if target == "mov_text" else text
