"""Inputs for photos, masks and numbers; uploads are decoded by ganstyle's own reader, never by Gradio's."""

from abc import ABCMeta
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import torch
from gradio.component_meta import ComponentMeta
from gradio.components.base import server
from PIL import Image
from torch import Tensor

from ganstyle.errors import ImageError
from ganstyle.images import MAX_PIXELS, check_image, decode_image
from ganstyle.models import MAX_STRENGTH
from ganstyle.stylize import MAX_STROKE_SIZE, PLAIN

BRUSH_OPACITY = 0.6
"""Of the mask's brush: what is under it stays visible."""

_MASK_SIDE = 4096  # pixels
_MOST_LAYERS, _MOST_STORED = 4, 64
_LONGEST_NAME = 100
_MOST_BYTES = 180  # of the 255 that file systems take, so that there is room for suffixes and numbers


@dataclass(frozen=True)
class Upload:
    """A file that a client has uploaded.

    Attributes:
        path: where Gradio stored it.
        name: what the client calls it, without folders; safe to be a file's name.
    """

    path: Path
    name: str

    def read(self) -> Tensor:
        """Read it as `read_image` does; errors name it as the visitor does.

        Raises:
            ImageError: it has been removed meanwhile, or see `read_image`.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            raise ImageError(f"{self.name}: is no longer on the server; upload it again") from None
        return decode_image(data, self.name, max_pixels=MAX_PIXELS)

    def check(self) -> None:
        """Read its header; errors name it as the visitor does.

        Raises:
            ImageError: it has been removed meanwhile, or is no image.
        """
        try:
            check_image(self.path)
        except ImageError as error:
            raise ImageError(str(error).replace(str(self.path), self.name)) from error


def safe_name(name: str, ending: str = "") -> str:
    r"""Return the last part of a path that a client sent, without characters that are not for names.

    Args:
        name: anything, such as ``../../etc/passwd`` or ``C:\photos\me.jpg``.
        ending: to put before its suffix; it stays where the rest of a long name is cut off.
    """
    kept = _allowed(name.replace("\\", "/").rpartition("/")[2]).strip(". ")
    stem, dot, suffix = kept.rpartition(".")
    if not dot:
        stem, suffix = kept, ""
    end = _cut(_allowed(ending), _LONGEST_NAME // 2, _MOST_BYTES // 2)
    stem = _cut(stem, _LONGEST_NAME - len(end), _MOST_BYTES - len(end.encode()))
    return f"{stem}{end}{dot}{suffix[:10]}" or "photo"


def _allowed(text: str) -> str:
    return "".join(c for c in text if c.isprintable() and c not in '<>:"|?*&')


def _cut(text: str, characters: int, most_bytes: int) -> str:
    return text[:characters].encode()[:most_bytes].decode(errors="ignore")


class _UploadsOnly:
    """Accepts only files that were uploaded here: an address would make the server fetch it."""

    async def async_move_resource_to_block_cache(self, path: str | Path | None) -> str | None:
        if "://" in str(path) or str(path).startswith(("http:", "https:", "data:")):
            raise gr.Error("Only files can be uploaded, not addresses.", print_exception=False)
        moved: str | None = await super().async_move_resource_to_block_cache(path)  # type: ignore[misc]
        return moved


class _NoStubFile(ComponentMeta):
    """Makes a component class as Gradio does, but writes no ``.pyi`` file beside its source."""

    def __new__(cls, name: str, bases: tuple[type, ...], attributes: dict[str, Any]) -> "_NoStubFile":
        made: _NoStubFile = ABCMeta.__new__(cls, name, bases, attributes)
        return made


class PhotoInput(_UploadsOnly, gr.Image, metaclass=_NoStubFile):
    """An input for a photo: dropped, chosen, pasted or taken with a camera; functions get an `Upload`."""

    def get_block_name(self) -> str:
        """Return the component of Gradio's page that shows this."""
        return "image"

    def preprocess(self, payload: Any) -> Upload | None:  # type: ignore[override]
        """Return the file as it is; Gradio would decode it without a limit of its size."""
        return None if payload is None else _upload(payload)


class PhotoFilesInput(_UploadsOnly, gr.File, metaclass=_NoStubFile):
    """An input for several photos; functions get a list of `Upload`."""

    def get_block_name(self) -> str:
        """Return the component of Gradio's page that shows this."""
        return "file"

    def preprocess(self, payload: Any) -> list[Upload]:  # type: ignore[override]
        """Return the files as they are."""
        return [_upload(file) for file in payload or []]


def photo_files_input(elem_id: str, label: str = "Photos", *, visible: bool = True) -> PhotoFilesInput:
    """Return an input for several photos."""
    return PhotoFilesInput(
        label=label,
        file_count="multiple",
        file_types=["image"],
        height=200,
        visible=visible,
        elem_id=elem_id,
    )


def _upload(file: Any) -> Upload:
    if not file.path:
        raise gr.Error("Only files can be uploaded, not addresses.", print_exception=False)
    path = Path(file.path)
    return Upload(path, safe_name(file.orig_name or path.name))


def photo_input(elem_id: str) -> PhotoInput:
    """Return a large input for a photo, which also takes one with a camera."""
    return PhotoInput(
        label="Photo",
        sources=["upload", "clipboard", "webcam"],
        format="png",
        height=260,
        buttons=["fullscreen"],
        placeholder="Drop a photo here, or click to choose one",
        elem_id=elem_id,
    )


def small_photo_input(label: str, elem_id: str) -> PhotoInput:
    """Return an input for a photo that fits beside another one."""
    return PhotoInput(
        label=label,
        sources=["upload", "clipboard"],
        format="png",
        height=200,
        min_width=140,
        buttons=["fullscreen"],
        placeholder="Drop or choose",
        elem_id=elem_id,
    )


def strength_input() -> gr.Slider:
    """Return an input for the strength."""
    return gr.Slider(
        0,
        MAX_STRENGTH,
        value=PLAIN.strength,
        step=0.05,
        label="Strength",
        info="0: the photo itself; 1: as trained.",
        elem_id="strength",
    )


def stroke_size_input() -> gr.Slider:
    """Return an input for the stroke size."""
    return gr.Slider(
        0,
        MAX_STROKE_SIZE,
        value=PLAIN.stroke_size,
        step=0.25,
        label="Stroke size",
        info="1: as in the painting; 0: as fine as possible.",
        elem_id="stroke-size",
    )


class MaskInput(_UploadsOnly, gr.ImageEditor, metaclass=_NoStubFile):
    """A brush over a photo; functions get the mask (1, 1, H, W) in [0, 1], or None if nothing is brushed."""

    def get_block_name(self) -> str:
        """Return the component of Gradio's page that shows this."""
        return "imageeditor"

    @server  # type: ignore[untyped-decorator]
    def accept_blobs(self, data: Any) -> None:
        """Accept a picture that is sent ahead of the value, if its layer's number is plausible."""
        index = str(data.data["index"])
        if not (index in ("", "None", "null") or (index.isdecimal() and int(index) < _MOST_LAYERS)):
            raise gr.Error("The mask has too many layers.", print_exception=False)
        super().accept_blobs(data)
        while len(self.blob_storage) > _MOST_STORED:
            self.blob_storage.pop(next(iter(self.blob_storage)), None)

    def preprocess(self, payload: Any) -> Tensor | None:  # type: ignore[override]
        """Return the opacity of the strokes; the picture under them is known already."""
        if payload is None:
            return None
        stored = self.blob_storage.pop(payload.id, None) if payload.id else payload
        if stored is None:
            return None
        try:
            masks = [_opacity(layer) for layer in stored.layers or [] if layer]
        except ImageError as error:
            raise gr.Error(str(error), print_exception=False) from error
        for sent in (stored.background, stored.composite, *(stored.layers or [])):
            if sent and not isinstance(sent, bytes):
                Path(sent.path).unlink(missing_ok=True)
        painted = [mask for mask in masks if mask.max() > 0]
        if not painted:
            return None
        size = painted[0].shape
        return torch.stack([mask for mask in painted if mask.shape == size]).amax(0)


def mask_input(elem_id: str) -> MaskInput:
    """Return a brush for the part of a photo to stylize."""
    return MaskInput(
        label="Brush over the part",
        sources=(),
        transforms=(),
        layers=False,
        brush=gr.Brush(colors=[("#ff5c00", BRUSH_OPACITY)], color_mode="fixed", default_size=40),
        eraser=gr.Eraser(default_size=40),
        format="png",
        buttons=[],
        height=360,
        elem_id=elem_id,
    )


def _opacity(layer: Any) -> Tensor:
    """Return how much of a layer is brushed over, (1, 1, H, W) in [0, 1]."""
    source = BytesIO(layer) if isinstance(layer, bytes) else layer.path
    try:
        with Image.open(source, formats=("PNG", "WEBP")) as image:
            if max(image.size) > _MASK_SIDE:
                raise ImageError(f"The mask is larger than {_MASK_SIDE} pixels a side; brush it again.")
            alpha = np.array(image.convert("RGBA").getchannel("A"), dtype=np.float32)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError("The mask cannot be read; brush it again.") from error
    return torch.from_numpy(alpha / (255 * BRUSH_OPACITY)).clamp(0, 1)[None, None]
