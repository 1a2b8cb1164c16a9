import base64
import re
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

import ganstyle.gui.components
from ganstyle.errors import ImageError
from ganstyle.gui.components import (
    BRUSH_OPACITY,
    MaskInput,
    PhotoInput,
    Upload,
    aside,
    chart,
    picture,
    placeholder,
    progress_line,
    safe_name,
)
from ganstyle.reports import table

NASTY = '<img src="x" onerror="alert(1)">'


def test_all_text_is_escaped() -> None:
    pieces = (
        progress_line(NASTY, 0.5),
        placeholder(NASTY),
        aside(NASTY, code=NASTY),
        picture(b"x", alt=NASTY, caption=NASTY, note=NASTY),
        chart({NASTY: [(1, 1.0), (2, 0.5)]}, title=NASTY, x="step", y="loss"),
        table(["", NASTY], [[NASTY, NASTY]], caption=NASTY),
    )
    for piece in pieces:
        assert "<img src=" not in piece
        assert "&lt;img" in piece


def test_progress_line() -> None:
    assert progress_line("") == ""
    assert "<progress" not in progress_line("Done.")
    assert 'role="status"' in progress_line("Done.")
    assert '<progress max="1" value="0.250" aria-label="half way">' in progress_line("half way", 0.25)


def test_picture_contains_its_data() -> None:
    figure = picture(b"pixels", alt="a", note="one\ntwo", kind="jpeg")
    content = re.search(r'src="data:image/jpeg;base64,([^"]+)"', figure)
    assert content
    assert base64.b64decode(content[1]) == b"pixels"
    assert "<span>one</span><span>two</span>" in figure
    assert "figcaption" not in picture(b"", alt="a")


def test_chart_has_alt_text_and_two_color_schemes() -> None:
    html = chart({"content": [(1, 2.0), (9, 0.25)], "style": [(1, 3.0)]}, title="Losses", x="step", y="loss")
    said = re.findall(r'<img class="in-(\w+)" alt="([^"]+)"', html)
    assert said == [
        (scheme, "Losses: content from 2 to 0.25; style from 3 to 3") for scheme in ("light", "dark")
    ]


def test_table_has_row_and_column_headers() -> None:
    html = table(["step", "style"], [["500", "0.1"], ["0", "0.7"]], caption="Scores")
    assert re.findall(r'<th scope="col">(.*?)</th>', html) == ["step", "style"]
    assert re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', html) == [("500", "0.1"), ("0", "0.7")]
    assert 'tabindex="0" role="region" aria-label="Scores"' in html  # so that the keyboard can scroll it


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
    ],
)
def test_names(sent: str, kept: str) -> None:
    assert safe_name(sent) == kept


def test_no_file_is_written_beside_the_source() -> None:
    """Gradio writes a stub beside the source of each component."""
    assert list(Path(ganstyle.gui.components.__file__).parent.glob("*.pyi")) == []


def test_a_photo_is_not_opened(tmp_path: Path) -> None:
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


def test_addresses_are_refused() -> None:
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


def test_a_mask(brush: MaskInput, tmp_path: Path) -> None:
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


def test_no_mask(brush: MaskInput, tmp_path: Path) -> None:
    assert brush.preprocess(None) is None
    assert brush.preprocess(EditorData(background=None, layers=[], composite=None)) is None
    assert brush.preprocess(EditorData(background=None, layers=[], composite=None, id="unknown")) is None
    empty = layer(tmp_path, "empty.png", np.zeros((4, 6)))
    assert brush.preprocess(EditorData(background=None, layers=[empty], composite=None)) is None


@pytest.mark.parametrize("side", [5000, 60_000])
def test_a_mask_that_is_too_large(
    brush: MaskInput, tmp_path: Path, side: int, huge_png: Callable[[int], bytes]
) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(huge_png(side))
    with pytest.raises(gr.Error, match="mask"):
        brush.preprocess(EditorData(background=None, layers=[FileData(path=str(path))], composite=None))


def test_a_mask_that_is_none(brush: MaskInput, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_text("<svg><script>alert(1)</script></svg>")
    with pytest.raises(gr.Error, match="The mask cannot be read"):
        brush.preprocess(EditorData(background=None, layers=[FileData(path=str(path))], composite=None))


def test_blobs(brush: MaskInput) -> None:
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
