"""Hundreds of malformed images of every format: a picture or one line, soon, and nothing else."""

import struct
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganstyle.errors import ImageError
from ganstyle.images.formats import _DECODERS
from ganstyle.images.photo import Photo, decode_photo, read_photo
from ganstyle.images.spool import save_deep
from tests.images.samples import KINDS, encode

BASES = [(kind, options) for kind, each in KINDS.items() for options in each]
MUTATIONS_PER_FILE = 30
SECONDS = 5  # of CPU time, on a slow machine


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


def malformed(original: bytes, kind: str) -> Iterator[bytes]:
    """Yield the same malformed files every time."""
    rng = np.random.default_rng([ord(letter) for letter in kind])
    for number in range(MUTATIONS_PER_FILE):
        yield bytes(MUTATIONS[number % len(MUTATIONS)](bytearray(original), rng))


def read(act: Callable[[], Photo], name: str = "photo") -> str:
    """Return the error's line, or nothing for a picture; anything else is a failure."""
    began = time.process_time()
    try:
        photo = act()
    except ImageError as error:
        message = str(error)
        assert message.startswith(f"{name}: ")
        assert "\n" not in message
        assert len(message) < len(name) + 500
    else:
        message = ""
        assert photo.image.shape[:2] == (1, 3)
        assert 0 <= photo.image.min() <= photo.image.max() <= 1
    assert time.process_time() - began < SECONDS
    return message


def decode(data: bytes) -> str:
    return read(lambda: decode_photo(data, "photo"))


def test_malformed_set_has_at_least_300_files() -> None:
    assert len(BASES) * MUTATIONS_PER_FILE >= 300


def test_malformed_set_covers_every_format() -> None:
    assert {*_DECODERS, "TGA"} <= KINDS.keys()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("kind", "options"), BASES)
def test_malformed_file_is_one_line_or_an_image(kind: str, options: dict[str, Any]) -> None:
    original = encode(kind, **options)
    assert decode(original) == ""
    refused = [decode(data) for data in malformed(original, kind)]
    assert sum(map(bool, refused)) >= MUTATIONS_PER_FILE // 6  # the mutations do something


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_malformed_16_bit_file(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("pyvips")
    path = tmp_path / "photo"
    save_deep(torch.rand(1, 3, 19, 23), path, kind, name=path)
    original = path.read_bytes()
    assert read_photo(path).bits == 16
    refused = []
    for data in malformed(original, kind):
        path.write_bytes(data)
        refused.append(read(lambda: read_photo(path), str(path)))
    assert sum(map(bool, refused)) >= MUTATIONS_PER_FILE // 6


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    header = (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    parts = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in (header, *chunks, (b"IEND", b""))
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("length", [10**7, 10**8])
def test_png_text_bomb(length: int) -> None:
    bomb = zlib.compress(b"\0" * length)
    assert decode(png(4, 4, (b"zTXt", b"a\0\0" + bomb), (b"IDAT", zlib.compress(bytes(52)))))


@pytest.mark.filterwarnings("ignore")
def test_icc_profile_bomb() -> None:
    bomb = zlib.compress(b"\0" * 10**8)
    decode(png(4, 4, (b"iCCP", b"a\0\0" + bomb), (b"IDAT", zlib.compress(bytes(52)))))


@pytest.mark.filterwarnings("ignore")
def test_missing_pixel_data() -> None:
    assert "photo: " in decode(png(8000, 8000, (b"IDAT", zlib.compress(bytes(10)))))
