"""Subtitles' text, from codec to codec."""

import pytest

from ganstyle.video.subtitles import convert_text


@pytest.mark.parametrize(
    ("data", "source", "target", "expected"),
    [
        (b"<v Tom>Tom &amp; Jerry: &gt;&gt; 1 &lt; 2", "webvtt", "subrip", b"Tom & Jerry: >> 1 < 2"),
        (b"a&nbsp;b &amp;lt;", "webvtt", "mov_text", b"\0\x09a\xc2\xa0b &lt;"),
        (b"<i>Tom</i> & Jerry", "subrip", "webvtt", b"Tom &amp; Jerry"),
        (b"\0\x051 < 2", "mov_text", "webvtt", b"1 &lt; 2"),
        (rb"0,0,Default,,0,0,0,,{\i1}one,\Ntwo &amp;", "ass", "subrip", b"one,\ntwo &amp;"),
    ],
)
def test_escaped_characters(data: bytes, source: str, target: str, expected: bytes) -> None:
    assert convert_text(data, source, target) == expected
