from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch
from gradio.components.image_editor import EditorData
from gradio.data_classes import FileData, ImageData
from PIL import Image

import ganstyle.gui.inputs
from ganstyle.errors import ImageError
from ganstyle.files import atomic_write
from ganstyle.gui.inputs import BRUSH_OPACITY, MaskInput, PhotoInput, Upload, safe_name


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("photo.jpg", "photo.jpg"),
        ("mon été à Köln.JPG", "mon été à Köln.JPG"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        (r"C:\photos\me.jpg", "me.jpg"),
        ("..", "photo"),
        ("", "photo"),
        (".bashrc", "bashrc"),
        ("a\0b\n.png", "ab.png"),
        ("<script>.png", "script.png"),
        ("x" * 300 + ".png", "x" * 100 + ".png"),
        ("x." + "y" * 300, "x." + "y" * 10),
        pytest.param("画" * 90 + ".png", "画" * 60 + ".png", id="3-byte letters"),
        pytest.param("a" + "🎨" * 90 + ".png", "a" + "🎨" * 44 + ".png", id="4-byte letters"),
    ],
)
def test_upload_names(sent: str, kept: str) -> None:
    assert safe_name(sent) == kept


@pytest.mark.parametrize("letter", ["x", "画"])
def test_ending_of_a_long_name_is_kept(letter: str, tmp_path: Path) -> None:
    name = safe_name(safe_name(letter * 200 + ".jpg"), "-starry_night")
    assert name.endswith(f"{letter}-starry_night.jpg")
    assert len(name) <= 104
    with atomic_write(tmp_path / name) as temporary:
        temporary.touch()
    assert len(safe_name("me.jpg", "-" + "画" * 200).encode()) < 100
    assert safe_name("me.jpg", "-a:b") == "me-ab.jpg"


def test_gradio_writes_no_file_beside_the_source() -> None:
    """Gradio writes a stub beside the source of each component."""
    assert list(Path(ganstyle.gui.inputs.__file__).parent.glob("*.pyi")) == []


def test_uploaded_photo_is_not_decoded_early(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("no picture")
    photo = PhotoInput(render=False)
    upload = photo.preprocess(ImageData(path=str(path), orig_name="../me.jpg"))
    assert upload == Upload(path, "me.jpg")
    with pytest.raises(ImageError, match=r"^me\.jpg: "):
        upload.read()
    path.unlink()
    with pytest.raises(ImageError, match=r"^me\.jpg: is no longer on the server; upload it again$"):
        upload.read()


def test_urls_are_refused() -> None:
    photo = PhotoInput(render=False)
    assert photo.preprocess(None) is None
    with pytest.raises(gr.Error, match="Only files"):
        photo.preprocess(ImageData(url="data:image/png;base64,AAAA"))


def layer(folder: Path, name: str, alpha: np.ndarray[Any, Any]) -> FileData:
    pixels = np.dstack([np.full((*alpha.shape, 3), 255, np.uint8), alpha.astype(np.uint8)])
    Image.fromarray(pixels, "RGBA").save(folder / name)
    return FileData(path=str(folder / name))


@pytest.fixture
def brush() -> MaskInput:
    return MaskInput(render=False)


def test_mask_from_brush(brush: MaskInput, tmp_path: Path) -> None:
    alpha = np.zeros((4, 6))
    alpha[1:3, 2:4] = round(255 * BRUSH_OPACITY)
    alpha[0, 0] = 255  # where strokes overlap
    empty = layer(tmp_path, "empty.png", np.zeros((4, 6)))
    mask = brush.preprocess(
        EditorData(background=None, layers=[empty, layer(tmp_path, "a.png", alpha)], composite=None)
    )
    assert mask is not None
    assert mask.shape == (1, 1, 4, 6)
    assert torch.equal(mask[0, 0], torch.from_numpy(alpha > 0).float())
    assert list(tmp_path.iterdir()) == []  # the visitor's strokes are gone


def test_empty_brush_is_no_mask(brush: MaskInput, tmp_path: Path) -> None:
    assert brush.preprocess(None) is None
    assert brush.preprocess(EditorData(background=None, layers=[], composite=None)) is None
    assert brush.preprocess(EditorData(background=None, layers=[], composite=None, id="unknown")) is None
    empty = layer(tmp_path, "empty.png", np.zeros((4, 6)))
    assert brush.preprocess(EditorData(background=None, layers=[empty], composite=None)) is None


@pytest.mark.parametrize("side", [5000, 60_000])
def test_oversized_mask_is_refused(
    brush: MaskInput, tmp_path: Path, side: int, huge_png: Callable[[int], bytes]
) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(huge_png(side))
    with pytest.raises(gr.Error, match="mask"):
        brush.preprocess(EditorData(background=None, layers=[FileData(path=str(path))], composite=None))


def test_invalid_mask_is_refused(brush: MaskInput, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_text("<svg><script>alert(1)</script></svg>")
    with pytest.raises(gr.Error, match="The mask cannot be read"):
        brush.preprocess(EditorData(background=None, layers=[FileData(path=str(path))], composite=None))


def test_inputs_as_blobs(brush: MaskInput) -> None:
    def send(name: str, index: object) -> None:
        buffer = BytesIO()
        Image.new("RGBA", (3, 2), (255, 0, 0, 255)).save(buffer, "PNG")
        data = {"type": "layer", "index": index, "id": name}
        brush.accept_blobs(SimpleNamespace(data=data, files=[("x", buffer.getvalue())]))

    send("a", "0")
    mask = brush.preprocess(EditorData(background=None, layers=[], composite=None, id="a"))
    assert mask is not None
    assert mask.shape == (1, 1, 2, 3)
    for index in ("1000000000", "-1", "1e9", 10**9):
        with pytest.raises(gr.Error, match="too many layers"):
            send("b", index)
    for number in range(100):
        send(str(number), "0")
    assert len(brush.blob_storage) <= 64
