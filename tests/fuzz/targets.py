"""What is fuzzed: each target takes any bytes, and may raise nothing."""

import atexit
import json
import shutil
import struct
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from io import BytesIO
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import av
import numpy as np
import torch
from av.video.stream import VideoStream
from PIL import Image

from ganstyle.cli.gui import credentials, parse_file_size, path_prefix
from ganstyle.errors import GanstyleError
from ganstyle.extras import is_installed
from ganstyle.images.codec import check_image
from ganstyle.images.photo import read_photo
from ganstyle.images.spool import save_deep
from ganstyle.losses import StyleTarget
from ganstyle.recipe import Recipe
from ganstyle.style import build_generator, load_style, save_style
from ganstyle.video import animation, container_input
from ganstyle.video.clip import Frame
from tests.images.samples import KINDS, encode

MAX_PIXELS = 1_000_000
"""The limit for pictures: it bounds the memory, which so stays below 1 GiB with all that is imported."""

_LARGEST = 4096  # bytes of an input that is a number; int() itself refuses more digits than that

_RECIPE = """
name: tiny
steps: 4
content: {kind: folder, path: photos}
style: {path: painting.png, size: 32}
generator: {name: lean, width: 4, blocks: 1, kernel: 3}
discriminator: {name: patchgan, width: 4, layers: 1, patch_size: 16}
loss: {content: 1.0, style: 5.0, gan: hinge, content_layers: [relu3_3]}
vgg: distilled
"""

_CODECS = [  # container, codec, pixel format, frames
    ("mp4", "mpeg4", "yuv420p", 3),
    ("mp4", "libx264", "yuv420p", 3),
    ("mov", "prores_ks", "yuv422p10le", 2),
    ("matroska", "mjpeg", "yuvj420p", 3),
    ("webm", "libvpx-vp9", "yuv420p", 3),
    ("avi", "ffv1", "yuv420p", 3),
    ("mpegts", "mpeg2video", "yuv420p", 15),  # of a shorter one, FFmpeg cannot tell what it is
]

_ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    1,
    2**31,
    2**63,
    1e308,
    float("nan"),
    float("inf"),
    "",
    [],
    {},
    "\x1b[2J",
    "../../x",
]


@cache
def _folder() -> Path:
    """Return a folder for the inputs that must be files; in memory where the system has such a place."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="ganstyle-fuzz-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _as_file(name: str, data: bytes) -> Path:
    path = _folder() / name
    path.write_bytes(data)
    return path


def image(data: bytes) -> None:
    """Read an image as `read_image` does, and what else its file holds."""
    path = _as_file("x", data)
    with suppress(GanstyleError):
        photo = read_photo(path, max_pixels=MAX_PIXELS)
        assert photo.image.shape[:2] == (1, 3)
        assert photo.image.dtype == torch.float32
        assert 0 <= photo.image.min() <= photo.image.max() <= 1
        assert photo.alpha is None or 0 <= photo.alpha.min() <= photo.alpha.max() <= 1
    with suppress(GanstyleError):
        check_image(path, max_pixels=MAX_PIXELS)


def recipe(data: bytes) -> None:
    """Load a recipe; what follows a NUL is an override."""
    text, *overrides = data.split(b"\0")
    with suppress(GanstyleError):
        loaded = Recipe.load(
            _as_file("x.yaml", text), [each.decode("utf-8", "replace") for each in overrides[:3]]
        )
        Recipe.parse(loaded.to_dict(), source="again")


@cache
def _style_file() -> bytes:
    made, path = Recipe.load(_as_file("tiny.yaml", _RECIPE.encode())), _folder() / "tiny.safetensors"
    torch.manual_seed(0)
    target = StyleTarget(({"relu1_2": torch.eye(64)[None]},))
    save_style(path, build_generator(made), made, target, {"title": "x", "license": "CC0-1.0"})
    return path.read_bytes()


def replace_leaf(tree: Any, data: bytes) -> None:
    """Replace one value in a tree of JSON: the first byte chooses where, the second by what kind of value."""
    places: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop(0)
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                waiting.append(node[key])
    node, key = places[data[0] % len(places)]
    text = data[2:].decode("utf-8", "replace")
    number = int.from_bytes(data[2:12], "little", signed=True)
    values = [*_ODD, text, number, number / 1e3, [number] * 3, {text: number}, [text], [node[key]]]
    node[key] = values[data[1] % len(values)]


def style(data: bytes) -> None:
    """Load a style.

    After ``M``, the metadata's key (up to NUL) and its text are these; after ``H``, this is the header;
    after ``T``, ``R`` or ``I``, one value of the header, the recipe or the provenance is another.
    """
    kind, rest, whole = data[:1], data[1:], _style_file()
    (length,) = struct.unpack("<Q", whole[:8])
    header = json.loads(whole[8 : 8 + length])
    metadata = header["__metadata__"]
    if kind == b"M":
        key, _, metadata[key] = rest.decode("utf-8", "replace").partition("\0")
    elif kind == b"T" and len(rest) > 2:
        replace_leaf(header, rest)
    elif kind in (b"R", b"I") and len(rest) > 2:
        key = "recipe" if kind == b"R" else "info"
        values = json.loads(metadata[key])
        replace_leaf(values, rest)
        metadata[key] = json.dumps(values)
    if kind in (b"M", b"T", b"R", b"I", b"H"):
        text = rest if kind == b"H" else json.dumps(header).encode()
        data = struct.pack("<Q", len(text)) + text + whole[8 + length :]
    with suppress(GanstyleError):
        load_style(_as_file("x.safetensors", data))


def gui(data: bytes) -> None:
    """Give the interface addresses, names, sizes and masks."""
    # Here, because the other targets are to be measured without Gradio's 120 MB.
    from ganstyle.gui import inputs
    from ganstyle.gui.components import public_message, setting_update

    text = data[:_LARGEST].decode("utf-8", "replace")
    for parse in (parse_file_size, path_prefix, credentials):
        with suppress(GanstyleError):
            parse(text)
    name = inputs.safe_name(text)
    assert name
    assert not any(bad in name for bad in ("/", "\\", "\0", "\n"))
    assert name not in (".", "..")
    assert len(name) <= 120
    assert "\n" not in public_message(GanstyleError(text))
    for component in _components():
        setting_update(component, text)
    for layer in (data, SimpleNamespace(path=_as_file("mask.png", data))):
        with suppress(GanstyleError):
            opacity = inputs._opacity(layer)
            assert torch.isfinite(opacity).all()


@cache
def _components() -> list[object]:
    import gradio as gr

    return [
        gr.Slider(0, 1.5, render=False),
        gr.Checkbox(render=False),
        gr.Dropdown(["wave"], render=False),
    ]


def _is_sound(frame: Frame) -> bool:
    """Say whether a picture is finite and within the limit, without a copy of it."""
    height, width = frame.image.shape[-2:]
    return bool(torch.isfinite(frame.image.sum())) and height * width <= MAX_PIXELS


def video(data: bytes) -> None:
    """Read a video or, where it is one, an animation; and its first three pictures."""
    path = _as_file("x.mkv", data)
    for module, read in (
        (container_input, container_input.read_video),
        (animation, animation.read_animation),
    ):
        with suppress(GanstyleError), patch.object(module, "MAX_PIXELS", MAX_PIXELS):
            assert all(map(_is_sound, islice(read(path).frames(), 3)))


TARGETS: dict[str, Callable[[bytes], None]] = {
    "image": image,
    "recipe": recipe,
    "style": style,
    "gui": gui,
    "video": video,
}


def _videos() -> list[bytes]:
    """Return short films of several containers and codecs, and animations."""
    made, frame = [], np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    for container, codec, pixels, count in _CODECS:
        buffer = BytesIO()
        with av.open(buffer, "w", format=container) as file:
            stream = cast(VideoStream, file.add_stream(codec, rate=25, width=16, height=16))
            stream.pix_fmt = pixels
            for _ in range(count):
                file.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
            file.mux(stream.encode())
        made.append(buffer.getvalue())
    first = Image.fromarray(frame)
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        buffer = BytesIO()
        first.save(buffer, kind, save_all=True, append_images=[first.rotate(90)])
        made.append(buffer.getvalue())
    return made


def _with_alpha(kind: str) -> bytes:
    pixels, buffer = np.random.default_rng(0).integers(0, 256, (9, 7, 4), dtype=np.uint8), BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def _special_images() -> list[bytes]:
    """Return images with alpha and, where libvips is there to write them, of 16 bits."""
    made, path = [_with_alpha(kind) for kind in ("PNG", "TIFF", "WEBP")], _folder() / "deep"
    for kind in ("PNG", "TIFF") if is_installed("pyvips") else ():
        save_deep(torch.rand(1, 3, 9, 7), path, kind, name=path)
        made.append(path.read_bytes())
    return made


def seeds(target: str) -> list[bytes]:
    """Return inputs to start from, which are valid or nearly so."""
    if target == "recipe":
        return [_RECIPE.encode(), b"name: a\0steps=3\0loss.style=[1, 2]", b"a: &x [*x]", b"steps: 1e999\n"]
    if target == "style":
        whole = _style_file()
        (length,) = struct.unpack("<Q", whole[:8])
        header = whole[8 : 8 + length]
        metadata = json.loads(header)["__metadata__"]
        texts = [f"M{key}\0{value}".encode() for key, value in metadata.items()]
        leaves = [
            kind + bytes([place, odd, 7])
            for kind in (b"T", b"R", b"I")
            for place in (0, 20)
            for odd in (0, 14)
        ]
        return [whole, b"H" + header, *texts, *leaves]
    if target == "video":
        return _videos()
    if target == "image":
        return [
            encode(kind, 9, 7, **options) for kind, each in KINDS.items() for options in each
        ] + _special_images()
    text = [b"20mb", b"/ganstyle", b"https://example.org/a", b"me:secret", b"..\\..\\x.png", b"1.5", b"true"]
    return [_with_alpha("PNG"), _with_alpha("WEBP"), *text]
