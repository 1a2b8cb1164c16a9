"""The nodes keep ComfyUI's contract: names, types, shapes, batches, and when a node runs again."""

import inspect
import math
import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ganstyle.errors import CheckpointError, GanstyleError
from ganstyle.images import resize
from ganstyle.integrations.comfyui import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS, LoadStyle, Stylize
from ganstyle.style import Style, load_style, shipped_styles
from ganstyle.stylize import Controls

PAGE = Path(__file__).parents[2] / "docs" / "comfyui.md"


@pytest.fixture
def style(make_style: Callable[..., Path]) -> Style:
    return load_style(make_style())


def image(batch: int, height: int, width: int, channels: int = 3) -> Tensor:
    return torch.rand(batch, height, width, channels, generator=torch.Generator().manual_seed(batch))


def execute(name: str, **links: object) -> tuple[Any, ...]:
    """Run a node as ComfyUI does: widgets at their defaults, in inference mode."""
    node = NODE_CLASS_MAPPINGS[name]
    inputs = node.INPUT_TYPES()  # type: ignore[attr-defined]
    widgets = {key: spec[1]["default"] for key, spec in inputs["required"].items() if "default" in spec[-1]}
    with torch.inference_mode():
        result: tuple[Any, ...] = getattr(node(), node.FUNCTION)(**widgets | links)  # type: ignore[attr-defined]
    assert len(result) == len(node.RETURN_TYPES)  # type: ignore[attr-defined]
    return result


def test_nodes_and_their_inputs() -> None:
    assert set(NODE_CLASS_MAPPINGS) == set(NODE_DISPLAY_NAME_MAPPINGS)
    for node in NODE_CLASS_MAPPINGS.values():
        inputs = node.INPUT_TYPES()  # type: ignore[attr-defined]
        names = {**inputs["required"], **inputs.get("optional", {})}
        function = inspect.signature(getattr(node, node.FUNCTION))  # type: ignore[attr-defined]
        assert list(function.parameters) == ["self", *names]
        for key in inputs.get("optional", {}):
            assert function.parameters[key].default is not inspect.Parameter.empty
        assert isinstance(node.RETURN_TYPES, tuple)  # type: ignore[attr-defined]
        assert isinstance(node.CATEGORY, str)  # type: ignore[attr-defined]
    types = {key: spec[0] for key, spec in Stylize.INPUT_TYPES()["required"].items()}
    assert types == {
        "image": "IMAGE",
        "style": LoadStyle.RETURN_TYPES[0],
        "strength": "FLOAT",
        "stroke_size": "FLOAT",
        "preserve_color": "BOOLEAN",
    }
    assert Stylize.INPUT_TYPES()["optional"] == {"mask": ("MASK",)}
    assert LoadStyle.INPUT_TYPES()["required"]["style"] == (list(shipped_styles()),)
    assert list(inspect.signature(LoadStyle.IS_CHANGED).parameters) == ["style", "file"]
    for key in ("strength", "stroke_size"):
        limits = Stylize.INPUT_TYPES()["required"][key][1]
        Controls(**{key: limits["min"]}), Controls(**{key: limits["max"]})


def test_documented_node_file(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in code.splitlines() if line]) == 2
    (tmp_path / "ganstyle_nodes.py").write_text(code)
    assert runpy.run_path(str(tmp_path / "ganstyle_nodes.py"))["NODE_CLASS_MAPPINGS"] is NODE_CLASS_MAPPINGS


def test_workflow() -> None:
    (style,) = execute("GanstyleLoadStyle", style="wave")
    photo = image(1, 40, 48)
    (painted,) = execute("GanstyleStylize", image=photo, style=style)
    assert (painted.shape, painted.dtype, painted.device.type) == (photo.shape, torch.float32, "cpu")
    assert torch.equal(painted, style.paint(photo.movedim(-1, 1)).movedim(1, -1))


@pytest.mark.parametrize(("batch", "channels"), [(1, 3), (3, 3), (2, 4), (2, 1)])
def test_batches_and_channels(style: Style, batch: int, channels: int) -> None:
    photos = image(batch, 24, 31, channels)
    (painted,) = execute("GanstyleStylize", image=photos, style=style)
    assert painted.shape == (batch, 24, 31, 3)
    assert painted.is_contiguous()
    assert painted.min() >= 0
    assert painted.max() <= 1
    for number in range(batch):
        (alone,) = execute("GanstyleStylize", image=photos[number : number + 1], style=style)
        assert torch.equal(painted[number], alone[0])


def test_values_slightly_out_of_range(style: Style) -> None:
    photo = image(1, 24, 31) * 1.2 - 0.1
    (painted,) = execute("GanstyleStylize", image=photo, style=style)
    assert torch.equal(painted, execute("GanstyleStylize", image=photo.clamp(0, 1), style=style)[0])


def test_controls(style: Style) -> None:
    photo = image(1, 24, 31)
    controls: dict[str, Any] = {"strength": 0.5, "stroke_size": 0.0, "preserve_color": True}
    (painted,) = execute("GanstyleStylize", image=photo, style=style, **controls)
    assert torch.equal(painted, style.paint(photo.movedim(-1, 1), Controls(**controls)).movedim(1, -1))
    assert torch.equal(execute("GanstyleStylize", image=photo, style=style, strength=0.0)[0], photo)
    with pytest.raises(GanstyleError, match="strength"):
        execute("GanstyleStylize", image=photo, style=style, strength=2.0)


def test_masks(style: Style) -> None:
    photos = image(3, 24, 32)
    (painted,) = execute("GanstyleStylize", image=photos, style=style)
    left = torch.zeros(24, 32)
    left[:, :16] = 1
    masks = torch.stack([left, 1 - left])
    (both,) = execute("GanstyleStylize", image=photos, style=style, mask=masks)
    torch.testing.assert_close(both[0], torch.where(left[..., None] > 0, painted[0], photos[0]))
    for number in (1, 2):  # the last mask serves the rest
        torch.testing.assert_close(
            both[number], torch.where(left[..., None] > 0, photos[number], painted[number])
        )
    for mask in (left, left[None]):  # without a batch, and with one for all
        (one,) = execute("GanstyleStylize", image=photos, style=style, mask=mask)
        assert torch.equal(one[:, :, 16:], photos[:, :, 16:])


def test_mask_of_another_size_is_stretched(style: Style) -> None:
    """Such as the empty mask of 64x64 pixels that ComfyUI loads with an opaque image."""
    photos = image(2, 24, 32)
    (kept,) = execute("GanstyleStylize", image=photos, style=style, mask=torch.zeros(1, 64, 64))
    assert torch.equal(kept, photos)
    mask = torch.rand(1, 10, 50)
    (painted,) = execute("GanstyleStylize", image=photos, style=style, mask=mask)
    where = resize(mask[None].expand(1, 3, -1, -1), (24, 32))[:, :1].clamp(0, 1)
    assert torch.equal(
        painted[:1], style.paint(photos[:1].movedim(-1, 1), Controls(mask=where)).movedim(1, -1)
    )


# --- caching


def test_is_changed_follows_the_content(make_style: Callable[..., Path], tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    path.write_bytes(make_style("one").read_bytes())
    first = LoadStyle.IS_CHANGED("wave", str(path))
    assert LoadStyle.IS_CHANGED("wave", str(path)) == first
    assert first != LoadStyle.IS_CHANGED("wave")
    path.write_bytes(make_style("another").read_bytes())
    assert LoadStyle.IS_CHANGED("wave", str(path)) != first
    assert not hasattr(Stylize, "IS_CHANGED")  # its inputs decide


def test_missing_file_is_retried(tmp_path: Path) -> None:
    changed = LoadStyle.IS_CHANGED("wave", str(tmp_path / "missing.safetensors"))
    assert isinstance(changed, float)
    assert math.isnan(changed)
    with pytest.raises(CheckpointError, match=r"missing\.safetensors: neither a file nor a shipped style"):
        execute("GanstyleLoadStyle", style="wave", file=str(tmp_path / "missing.safetensors"))


def test_is_changed_uses_no_network() -> None:
    assert LoadStyle.IS_CHANGED("wave", " hf://user/name ") == "hf://user/name"
