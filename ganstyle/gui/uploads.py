"""What comes in: photos and painted masks, read by ganstyle's own reader and never by Gradio's."""

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
from ganstyle.gui.jobs import toasts
from ganstyle.images import MAX_PIXELS, decode_image

MAX_FILE = "20mb"
"""The largest upload."""

OPACITY = 0.6
"""Of a mask's brush: what is under it can still be seen."""

_MASK_SIDE = 4096  # pixels
_MOST_LAYERS, _MOST_STORED = 4, 64
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Upload:
    """A file that a client has uploaded.

    Attributes:
        path: where Gradio put it.
        name: what the client calls it, without folders; safe to be a file's name.
    """

    path: Path
    name: str

    def read(self) -> Tensor:
        """Read it as `read_image` does; errors call it by its own name.

        Raises:
            ImageError: it has been removed meanwhile, or see `read_image`.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            raise ImageError(f"{self.name}: is no longer here; upload it again") from None
        return decode_image(data, self.name, max_pixels=MAX_PIXELS)


def safe_name(name: str) -> str:
    r"""Return the last part of a path that a client sent, without what could be more than a name.

    Args:
        name: anything, such as ``../../etc/passwd`` or ``C:\photos\me.jpg``.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(c for c in last if c.isprintable() and c not in '<>:"|?*&').strip(". ")
    stem, dot, suffix = kept.rpartition(".")
    if not dot:
        stem, suffix = kept, ""
    return f"{stem[:_LONGEST_NAME]}{dot}{suffix[:10]}" or "photo"


class _OwnFiles:
    """Takes only files that were uploaded here: an address would make the server fetch it."""

    async def async_move_resource_to_block_cache(self, path: str | Path | None) -> str | None:
        if "://" in str(path) or str(path).startswith(("http:", "https:", "data:")):
            raise gr.Error("only files can be uploaded, not addresses", print_exception=False)
        moved: str | None = await super().async_move_resource_to_block_cache(path)  # type: ignore[misc]
        return moved


class _WithoutStub(ComponentMeta):
    """Makes a component as Gradio does, but writes no ``.pyi`` file beside its source."""

    def __new__(cls, name: str, bases: tuple[type, ...], attributes: dict[str, Any]) -> "_WithoutStub":
        made: _WithoutStub = ABCMeta.__new__(cls, name, bases, attributes)
        return made


class PhotoInput(_OwnFiles, gr.Image, metaclass=_WithoutStub):
    """An input for a photo: dropped, chosen, pasted or taken; functions get an `Upload`."""

    def get_block_name(self) -> str:
        """Be Gradio's image in the browser."""
        return "image"

    def preprocess(self, payload: Any) -> Upload | None:  # type: ignore[override]
        """Leave the file alone; Gradio would decode it without a limit."""
        if payload is None:
            return None
        if not payload.path:
            raise gr.Error("only files can be uploaded, not addresses", print_exception=False)
        path = Path(payload.path)
        return Upload(path, safe_name(payload.orig_name or path.name))


def small_input(label: str, name: str) -> PhotoInput:
    """Return an input that fits beside another one.

    Args:
        label: what it takes.
        name: its element's id.
    """
    return PhotoInput(
        label=label,
        sources=["upload", "clipboard"],
        format="png",
        height=200,
        min_width=140,
        buttons=["fullscreen"],
        placeholder="Drop or choose",
        elem_id=name,
    )


class MaskInput(_OwnFiles, gr.ImageEditor, metaclass=_WithoutStub):
    """A brush over a photo; functions get the mask (1, 1, H, W) in [0, 1], or None if nothing is painted."""

    def get_block_name(self) -> str:
        """Be Gradio's editor in the browser."""
        return "imageeditor"

    @server  # type: ignore[untyped-decorator]
    def accept_blobs(self, data: Any) -> None:
        """Take a picture that is sent ahead of the value; of the numbers in it, Gradio believes any."""
        index = str(data.data["index"])
        if not (index in ("", "None", "null") or (index.isdecimal() and int(index) < _MOST_LAYERS)):
            raise gr.Error("the mask has too many layers", print_exception=False)
        super().accept_blobs(data)
        while len(self.blob_storage) > _MOST_STORED:
            self.blob_storage.pop(next(iter(self.blob_storage)), None)

    def preprocess(self, payload: Any) -> Tensor | None:  # type: ignore[override]
        """Take the strokes' opacity; the picture under them is known already."""
        if payload is None:
            return None
        stored = self.blob_storage.pop(payload.id, None) if payload.id else payload
        if stored is None:
            return None
        with toasts():
            masks = [_opacity(layer) for layer in stored.layers or [] if layer]
        for sent in (stored.background, stored.composite, *(stored.layers or [])):
            if sent and not isinstance(sent, bytes):  # a file that nobody needs any more
                Path(sent.path).unlink(missing_ok=True)
        painted = [mask for mask in masks if mask.max() > 0]
        if not painted:
            return None
        size = painted[0].shape
        return torch.stack([mask for mask in painted if mask.shape == size]).amax(0)


def _opacity(layer: Any) -> Tensor:
    """Return how much of a layer is painted over, (1, 1, H, W) in [0, 1]."""
    source = BytesIO(layer) if isinstance(layer, bytes) else layer.path
    try:
        with Image.open(source, formats=("PNG", "WEBP")) as image:
            if max(image.size) > _MASK_SIDE:
                raise ImageError(f"the mask is larger than {_MASK_SIDE} pixels a side; paint it again")
            alpha = np.array(image.convert("RGBA").getchannel("A"), dtype=np.float32)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError("the mask cannot be read; paint it again") from error
    return torch.from_numpy(alpha / (255 * OPACITY)).clamp(0, 1)[None, None]
