"""Some hundred malformed images of every format: a picture or one line, soon, and nothing else."""

import struct
import time
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ganstyle.errors import ImageError
from ganstyle.images.codec import decode_image

KINDS: dict[str, list[dict[str, object]]] = {
    "AVIF": [{"speed": 10}],
    "BMP": [{}],
    "GIF": [{}],
    "JPEG": [{}, {"progressive": True}],
    "JPEG2000": [{}],
    "PNG": [{}],
    "TIFF": [{}, {"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate"}],
    "WEBP": [{}, {"lossless": True}],
}
BASES = [(kind, options) for kind, each in KINDS.items() for options in each]
MUTATIONS_PER_FILE = 30
SECONDS = 5  # of CPU time, on a slow machine


def valid(kind: str, options: dict[str, object]) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (19, 23, 3), dtype=np.uint8)
    exif, buffer = Image.Exif(), BytesIO()
    exif[0x0112] = 6
    more = {} if kind in ("BMP", "GIF", "JPEG2000") else {"exif": exif}
    Image.fromarray(pixels).save(buffer, kind, **options, **more)
    return buffer.getvalue()


def cut(data: bytearray, rng: np.random.Generator) -> bytearray:
    return data[: rng.integers(len(data))]


def flip_bits(data: bytearray, rng: np.random.Generator) -> bytearray:
    for place in rng.integers(len(data), size=rng.integers(1, 40)):
        data[place] ^= 1 << int(rng.integers(8))
    return data


def lie_in_header(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Overwrite numbers near the start, where sizes, counts and offsets are."""
    for place in rng.integers(4, min(len(data) - 4, 120), size=rng.integers(1, 4)):
        value = int(rng.choice([0, 1, 0x7F, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]))
        data[place : place + 4] = struct.pack("<I" if rng.integers(2) else ">I", value)
    return data


def repeat_part(data: bytearray, rng: np.random.Generator) -> bytearray:
    first, last = sorted(rng.integers(len(data), size=2))
    return data[:last] + data[first:last] * int(rng.integers(1, 20)) + data[last:]


def drop_part(data: bytearray, rng: np.random.Generator) -> bytearray:
    first, last = sorted(rng.integers(8, len(data), size=2))
    return data[:first] + data[last:]


def fill_part(data: bytearray, rng: np.random.Generator) -> bytearray:
    first, last = sorted(rng.integers(8, len(data), size=2))
    data[first:last] = bytes([rng.choice([0, 255])]) * int(last - first)
    return data


MUTATIONS: list[Callable[[bytearray, np.random.Generator], bytearray]] = [
    cut,
    flip_bits,
    lie_in_header,
    repeat_part,
    drop_part,
    fill_part,
]


def malformed(kind: str, options: dict[str, object]) -> Iterator[bytes]:
    """Yield the same malformed files every time."""
    original, rng = valid(kind, options), np.random.default_rng([ord(letter) for letter in kind])
    for number in range(MUTATIONS_PER_FILE):
        yield bytes(MUTATIONS[number % len(MUTATIONS)](bytearray(original), rng))


def decode(data: bytes) -> str:
    """Return the error's line, or nothing for a picture; anything else is a failure."""
    began = time.process_time()
    try:
        image = decode_image(data, "photo")
    except ImageError as error:
        message = str(error)
        assert message.startswith("photo: ")
        assert "\n" not in message
        assert len(message) < 500
    else:
        message = ""
        assert image.shape[:2] == (1, 3)
        assert 0 <= image.min() <= image.max() <= 1
    assert time.process_time() - began < SECONDS
    return message


def test_there_are_at_least_300() -> None:
    assert len(BASES) * MUTATIONS_PER_FILE >= 300


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("kind", "options"), BASES)
def test_malformed_file(kind: str, options: dict[str, object]) -> None:
    assert decode(valid(kind, options)) == ""
    refused = [decode(data) for data in malformed(kind, options)]
    assert sum(map(bool, refused)) >= MUTATIONS_PER_FILE // 6  # the mutations do something


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    header = (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    parts = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in (header, *chunks, (b"IEND", b""))
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("length", [10**7, 10**8])
def test_text_bomb(length: int) -> None:
    bomb = zlib.compress(b"\0" * length)
    assert decode(png(4, 4, (b"zTXt", b"a\0\0" + bomb), (b"IDAT", zlib.compress(bytes(52)))))


@pytest.mark.filterwarnings("ignore")
def test_profile_bomb() -> None:
    bomb = zlib.compress(b"\0" * 10**8)
    decode(png(4, 4, (b"iCCP", b"a\0\0" + bomb), (b"IDAT", zlib.compress(bytes(52)))))


@pytest.mark.filterwarnings("ignore")
def test_pixels_that_are_not_there() -> None:
    assert "photo: " in decode(png(8000, 8000, (b"IDAT", zlib.compress(bytes(10)))))
