"""Layouts of TIFF that Pillow misreads or refuses, written here tag by tag (see TIFF 6.0)."""

import struct
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from ganstyle.errors import ImageError
from ganstyle.images import check_image, decode_image, read_image

WHITE, BLACK, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
ASSOCIATED, UNASSOCIATED = 1, 2
ORDERS = pytest.mark.parametrize("order", ["<", ">"])
# Strips of all rows, strips of 7 rows, tiles.
CHUNKS = pytest.mark.parametrize("chunk", [None, 7, (16, 32)])


def samples(*shape: int, dtype: str = "u2", seed: int = 0) -> NDArray[Any]:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


def tiff(
    image: NDArray[Any],
    color: int,
    *,
    order: Literal["<", ">"] = "<",
    planar: bool = False,
    chunk: int | tuple[int, int] | None = None,
    extra: tuple[int, ...] = (),
    bits: int | None = None,
    tags: dict[int, tuple[str, tuple[int, ...]]] | None = None,
) -> bytes:
    """Write an uncompressed TIFF.

    Args:
        image: (H, W) or (H, W, C) of any type of number.
        color: the photometric interpretation.
        order: ``<`` is little-endian, ``>`` big-endian.
        planar: each channel is a plane of its own.
        chunk: rows of a strip; or height and width of a tile.
        extra: what the samples beyond the color's are.
        bits: of a sample, where they are fewer than the type's.
        tags: more of them: number → type and values.
    """
    image = image.reshape(*image.shape[:2], -1).astype(image.dtype.newbyteorder(order))
    height, width, count = image.shape
    planes = np.moveaxis(image, -1, 0)[..., None] if planar else image[None]
    if isinstance(chunk, tuple):
        rows, columns = chunk
        pad = [(0, 0), (0, -height % rows), (0, -width % columns), (0, 0)]
        planes = np.pad(planes, pad)
    else:
        rows, columns = chunk or height, width
    chunks = [
        plane[y : y + rows, x : x + columns].tobytes()
        for plane in planes
        for y in range(0, plane.shape[0], rows)
        for x in range(0, plane.shape[1], columns)
    ]
    starts = 8 + np.cumsum([0, *map(len, chunks)])
    kind = {"u": 1, "i": 2, "f": 3}[image.dtype.kind]
    tiled = isinstance(chunk, tuple)
    entries: dict[int, tuple[str, tuple[int, ...]]] = {
        256: ("H", (width,)),
        257: ("H", (height,)),
        258: ("H", (bits or image.dtype.itemsize * 8,) * count),
        259: ("H", (1,)),
        262: ("H", (color,)),
        277: ("H", (count,)),
        284: ("H", (2 if planar else 1,)),
        (324 if tiled else 273): ("I", tuple(map(int, starts[:-1]))),
        (325 if tiled else 279): ("I", tuple(map(len, chunks))),
        **({322: ("H", (columns,)), 323: ("H", (rows,))} if tiled else {278: ("H", (rows,))}),
        **({338: ("H", extra)} if extra else {}),
        **({339: ("H", (kind,) * count)} if kind > 1 else {}),
        **(tags or {}),
    }
    body = b"".join(chunks)
    directory = struct.pack(order + "H", len(entries))
    for number, (form, values) in sorted(entries.items()):
        data = struct.pack(f"{order}{len(values)}{form}", *values)
        if len(data) > 4:
            body += b"\0" * (len(body) % 2)
            body, data = body + data, struct.pack(order + "I", 8 + len(body))
        directory += struct.pack(order + "HHI", number, {"H": 3, "I": 4}[form], len(values)) + data.ljust(
            4, b"\0"
        )
    body += b"\0" * (len(body) % 2)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "I", 8 + len(body)) + body + directory + bytes(4)


def read(tmp_path: Path, content: bytes) -> NDArray[np.float32]:
    """Return (H, W, 3) in [0, 1], from a file and from memory alike."""
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    image = read_image(path)
    assert (image == decode_image(content, "a.tif")).all()
    assert check_image(path) == tuple(image.shape[-2:])
    pixels: NDArray[np.float32] = image[0].permute(1, 2, 0).numpy()
    return pixels


def error_of(tmp_path: Path, content: bytes) -> str:
    with pytest.raises(ImageError) as caught:
        read(tmp_path, content)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def on_white(color: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(color * alpha + 1 - alpha)


@ORDERS
@CHUNKS
@pytest.mark.parametrize("color", [RGB, CMYK])
def test_planar_16_bit(tmp_path: Path, order: Literal["<", ">"], chunk: Any, color: int) -> None:
    image = samples(41, 57, 3 if color == RGB else 4)
    pixels = read(tmp_path, tiff(image, color, order=order, planar=True, chunk=chunk))
    truth = image / 65535
    if color == CMYK:
        truth = (1 - truth[..., :3]) * (1 - truth[..., 3:])
    np.testing.assert_allclose(pixels, truth, atol=2.1 / 255)


@ORDERS
@CHUNKS
@pytest.mark.parametrize("extra", [(), (0,), (ASSOCIATED,), (UNASSOCIATED,)])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("planar", [False, True])
def test_rgb_with_another_sample(
    tmp_path: Path, order: Literal["<", ">"], chunk: Any, extra: tuple[int, ...], dtype: str, planar: bool
) -> None:
    if planar and not extra:
        pytest.skip("nothing says what the fourth plane is")
    image = samples(41, 57, 4, dtype=dtype)
    if extra == (ASSOCIATED,):
        image[..., :3] = np.minimum(image[..., :3], image[..., 3:])
    pixels = read(tmp_path, tiff(image, RGB, order=order, planar=planar, chunk=chunk, extra=extra))
    color, alpha = np.split(image / np.iinfo(dtype).max, [3], axis=-1)
    truth = (
        color if extra == (0,) else color + 1 - alpha if extra == (ASSOCIATED,) else on_white(color, alpha)
    )
    np.testing.assert_allclose(pixels, truth, atol=3 / 255)


@ORDERS
@CHUNKS
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_white_is_zero(tmp_path: Path, order: Literal["<", ">"], chunk: Any, dtype: str) -> None:
    image = samples(41, 57, dtype=dtype)
    pixels = read(tmp_path, tiff(image, WHITE, order=order, chunk=chunk))
    truth = 1 - image[..., None] / np.iinfo(dtype).max
    np.testing.assert_allclose(pixels, truth.repeat(3, -1), atol=1e-6)


@ORDERS
@CHUNKS
@pytest.mark.parametrize("color", [WHITE, BLACK])
@pytest.mark.parametrize("extra", [(), (0,), (ASSOCIATED,), (UNASSOCIATED,)])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_gray_with_another_sample(
    tmp_path: Path, order: Literal["<", ">"], chunk: Any, color: int, extra: tuple[int, ...], dtype: str
) -> None:
    image = samples(41, 57, 2, dtype=dtype)
    if extra == (ASSOCIATED,):
        image[..., 0] = np.minimum(image[..., 0], image[..., 1])
    pixels = read(tmp_path, tiff(image, color, order=order, chunk=chunk, extra=extra))
    gray, alpha = np.split(image / np.iinfo(dtype).max, 2, axis=-1)
    if extra == (ASSOCIATED,):
        gray = np.divide(gray, alpha, out=np.zeros_like(gray), where=alpha > 0)
    gray = 1 - gray if color == WHITE else gray
    truth = gray if extra in ((), (0,)) else on_white(gray, alpha)
    np.testing.assert_allclose(pixels, truth.repeat(3, -1), atol=1.6 / 255)


def test_12_bit_gray_keeps_its_range(tmp_path: Path) -> None:
    values = samples(5, 8) >> 4
    pairs = values.reshape(5, 4, 2).astype(int)
    packed = np.stack(
        [pairs[..., 0] >> 4, (pairs[..., 0] & 15) << 4 | pairs[..., 1] >> 8, pairs[..., 1] & 255], -1
    )
    content = tiff(packed.reshape(5, 12).astype("u1"), BLACK, bits=12, tags={256: ("H", (8,))})
    np.testing.assert_allclose(read(tmp_path, content)[..., 0], values / 4095, atol=2e-5)


@ORDERS
def test_uncompressed_ycbcr(tmp_path: Path, order: Literal["<", ">"]) -> None:
    gray = np.full((8, 8, 3), [100, 128, 128], dtype="u1")
    content = tiff(gray, YCBCR, order=order, tags={530: ("H", (1, 1))})
    np.testing.assert_allclose(read(tmp_path, content), 100 / 255, atol=1.1 / 255)


@pytest.mark.parametrize(
    ("color", "count", "planar"), [(RGB, 3, True), (RGB, 3, False), (WHITE, 1, False), (BLACK, 2, False)]
)
def test_orientation(tmp_path: Path, color: int, count: int, planar: bool) -> None:
    image = samples(9, 14, count)
    upright, turned = (
        read(tmp_path, tiff(image, color, planar=planar, tags={274: ("H", (orientation,))}))
        for orientation in (1, 6)
    )
    np.testing.assert_array_equal(turned, np.rot90(upright, -1))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_float_tiff_is_refused(tmp_path: Path, dtype: str, count: int) -> None:
    message = error_of(tmp_path, tiff(np.ones((4, 4, count), dtype), BLACK if count < 3 else RGB))
    assert message.endswith("floating-point pixels have no known range; save the image with 8 or 16 bits")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (tiff(samples(4, 4).astype("i2"), BLACK), "signed pixels have no known range"),
        (tiff(samples(4, 4).astype("i1"), BLACK), "signed pixels have no known range"),
        (tiff(samples(4, 4, 3, dtype="u4"), RGB), "3 samples of 32 bits, RGB is not supported"),
        (tiff(samples(4, 4), PALETTE), "1 sample of 16 bits, palette is not supported"),
        (tiff(samples(4, 4, 5), RGB, extra=(0, 0)), "5 samples of 16 bits, RGB is not supported"),
        (
            tiff(samples(4, 4, 2), BLACK, planar=True, extra=(2,)),
            "gray with alpha, one plane a channel",
        ),
        (tiff(samples(4, 4, 4), RGB, planar=True), "4 samples of 16 bits, RGB, one plane a channel"),
        (b"MM\0+" + bytes(60), "big-endian BigTIFF is not supported"),
    ],
)
def test_unsupported_tiff_layouts_are_refused(tmp_path: Path, content: bytes, what: str) -> None:
    message = error_of(tmp_path, content)
    assert what in message
    assert "damaged" not in message


@pytest.mark.parametrize(
    "content",
    [
        tiff(samples(60, 60, 3), RGB, planar=True),
        tiff(samples(60, 60, 4), CMYK, planar=True, chunk=(16, 16)),
        tiff(samples(60, 60), WHITE, chunk=9),
        tiff(samples(60, 60, 2), BLACK, extra=(2,)),
    ],
)
def test_truncated_and_damaged_tiff(tmp_path: Path, content: bytes) -> None:
    directory = struct.unpack("<I", content[4:8])[0]
    for part in (0.1, 0.5, 0.95):  # of the pixels; the directory, which is read first, stays
        kept = int(directory * part)
        moved = content[:4] + struct.pack("<I", 8) + content[directory:] + content[8:kept]
        error_of(tmp_path, moved)
    rng = np.random.default_rng(1)
    for _ in range(60):
        damaged = np.frombuffer(content, dtype=np.uint8).copy()
        damaged[rng.integers(directory, len(content), 3)] = rng.integers(0, 256, 3)
        try:
            decode_image(damaged.tobytes(), "a.tif", max_pixels=10_000)
        except ImageError as error:
            assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
