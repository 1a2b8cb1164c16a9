"""Nodes for ComfyUI: load a style, and stylize images with it.

ComfyUI loads them from a file of two lines in its ``custom_nodes`` folder; see the documentation. Its
contract: an IMAGE is (B, H, W, C) float32 in [0, 1] on the CPU, a MASK (B, H, W) in [0, 1]; a node is a class
with ``INPUT_TYPES``, ``RETURN_TYPES`` and ``FUNCTION``, and a node runs again when an input or the value of
``IS_CHANGED`` has changed.
"""

from typing import Any

import torch
from torch import Tensor

from ganstyle.devices import pick_device
from ganstyle.files import sha256
from ganstyle.hub import is_hub_address
from ganstyle.images import resize
from ganstyle.models import MAX_STRENGTH
from ganstyle.style import Style, find_style, load_style, shipped_styles
from ganstyle.stylize import MAX_STROKE_SIZE, Controls

_STYLE = "GANSTYLE_STYLE"  # the type of the link between the two nodes
_CATEGORY = "image/ganstyle"


class LoadStyle:
    """Loads a shipped style, a file, or a style on the Hugging Face Hub."""

    CATEGORY = _CATEGORY
    FUNCTION = "load"
    RETURN_TYPES = (_STYLE,)
    RETURN_NAMES = ("style",)
    DESCRIPTION = "Load a style: a shipped one, a .safetensors file, or hf://user/name."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        """Return the node's inputs: a shipped style, and a path or address that goes before it."""
        return {
            "required": {"style": (list(shipped_styles()),)},
            "optional": {
                "file": (
                    "STRING",
                    {"default": "", "tooltip": "Instead of a shipped style: a file, or hf://user/name"},
                )
            },
        }

    @classmethod
    def IS_CHANGED(cls, style: str, file: str = "") -> str | float:  # noqa: N802 - ComfyUI's name
        """Return what changes with the style's content; NaN, which equals nothing, if it cannot be read."""
        name = _choose(style, file)
        if is_hub_address(name):
            return name
        try:
            return sha256(find_style(name))
        except Exception:  # loading says what is wrong
            return float("nan")

    def load(self, style: str, file: str = "") -> tuple[Style]:
        """Load the style.

        Raises:
            GanstyleError: there is no such style, or it cannot be read.
        """
        return (load_style(_choose(style, file)),)


class Stylize:
    """Stylizes a batch of images, one after the other."""

    CATEGORY = _CATEGORY
    FUNCTION = "stylize"
    RETURN_TYPES = ("IMAGE",)
    DESCRIPTION = "Paint images in a style. The mask says where: 1 is painted, 0 stays as it is."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        """Return the node's inputs."""
        return {
            "required": {
                "image": ("IMAGE",),
                "style": (_STYLE,),
                "strength": ("FLOAT", {"default": 1.0, "min": 0.0, "max": MAX_STRENGTH, "step": 0.05}),
                "stroke_size": ("FLOAT", {"default": 1.0, "min": 0.0, "max": MAX_STROKE_SIZE, "step": 0.1}),
                "preserve_color": ("BOOLEAN", {"default": False}),
            },
            "optional": {"mask": ("MASK",)},
        }

    def stylize(
        self,
        image: Tensor,
        style: Style,
        strength: float = 1.0,
        stroke_size: float = 1.0,
        preserve_color: bool = False,
        mask: Tensor | None = None,
    ) -> tuple[Tensor]:
        """Stylize a batch.

        Args:
            image: (B, H, W, C) in [0, 1], with one, three or four channels; alpha is left out.
            style: from `LoadStyle`.
            strength: 0 is the image, 1 the style as trained, at most 1.5.
            stroke_size: 1 as in training; 0 as fine as the style paints at full size.
            preserve_color: change only light and dark.
            mask: (M, h, w) or (h, w) in [0, 1]; resized to the images. The last one serves the images that
                are left when there are fewer masks.

        Returns:
            (B, H, W, 3) float32 in [0, 1] on the CPU.

        Raises:
            GanstyleError: there is not enough memory, or a control is out of range.
        """
        photos = _to_photos(image)
        masks = None if mask is None else _to_masks(mask, photos.shape[-2:])
        style.generator.to(pick_device())
        painted = []
        for place in range(len(photos)):
            where = None if masks is None else masks[min(place, len(masks) - 1)][None]
            photo = photos[place : place + 1]
            painted.append(style.paint(photo, Controls(strength, preserve_color, where, stroke_size)))
        return (torch.cat(painted).clamp(0, 1).movedim(1, -1).contiguous(),)


NODE_CLASS_MAPPINGS: dict[str, type] = {"GanstyleLoadStyle": LoadStyle, "GanstyleStylize": Stylize}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {
    "GanstyleLoadStyle": "Load Style (ganstyle)",
    "GanstyleStylize": "Stylize (ganstyle)",
}


def _choose(style: str, file: str) -> str:
    return file.strip() or style


def _to_photos(image: Tensor) -> Tensor:
    """Turn an IMAGE into (B, 3, H, W) in [0, 1]; samplers leave it slightly."""
    colors = image[..., :3].movedim(-1, 1).float().nan_to_num().clamp(0, 1)
    return colors.expand(-1, 3, -1, -1) if colors.shape[1] < 3 else colors


def _to_masks(mask: Tensor, size: torch.Size) -> Tensor:
    """Turn a MASK into (M, 1, H, W) of the images' size, as ComfyUI's own nodes stretch it."""
    masks = mask.reshape(-1, 1, *mask.shape[-2:]).float().nan_to_num().clamp(0, 1)
    height, width = size
    if masks.shape[-2:] == size:
        return masks
    return resize(masks.expand(-1, 3, -1, -1), (height, width))[:, :1].clamp(0, 1)
