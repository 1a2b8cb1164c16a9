from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganstyle.errors import CheckpointError, GanstyleError
from ganstyle.export import export_style, graph, load_onnx
from ganstyle.export.graph import FLAT_PARITY
from ganstyle.losses import StyleTarget
from ganstyle.recipe import Recipe
from ganstyle.style import Style, build_generator, load_style

pytest.importorskip("onnxscript", reason="the extra export is not installed")
pytest.importorskip("onnxruntime", reason="the extra export is not installed")


def tiny(**generator: Any) -> Style:
    options = {"name": "lean", "width": 4, "blocks": 1, "strength": True, **generator}
    recipe = Recipe.parse(
        {"name": "tiny", "style": {"path": "none.jpg"}, "generator": options}, source="test"
    )
    torch.manual_seed(0)
    network = build_generator(recipe).eval().requires_grad_(False)
    for name, parameter in network.named_parameters():
        if name.endswith("_slope"):
            parameter.add_(0.02)
    return Style("tiny", network, recipe, StyleTarget(({"relu1_2": torch.eye(2)},)), {"scores": [1]})


GENERATORS: dict[str, dict[str, Any]] = {
    "lean": {"coarse": 1, "antialias": True},
    "plain": {"strength": False},
    "resnet": {"name": "resnet", "kernel": 3},
    "unet": {"name": "unet", "depth": 2},
}


@pytest.mark.parametrize(
    "name", ["lean", *(pytest.param(name, marks=pytest.mark.slow) for name in list(GENERATORS)[1:])]
)
def test_onnx_parity_at_other_sizes(tmp_path: Path, name: str) -> None:
    style = tiny(**GENERATORS[name])
    assert export_style(style, tmp_path / "x.onnx") < 1e-4
    loaded = load_onnx(tmp_path / "x.onnx")
    assert (loaded.name, loaded.recipe, loaded.info) == ("tiny", style.recipe, {"scores": [1]})
    for size in ((1, 3, 1, 1), (1, 3, 2, 31), (3, 3, 15, 16), (1, 3, 47, 90), (2, 3, 130, 77)):
        photo = torch.rand(size, generator=torch.Generator().manual_seed(0))
        for strength in (1.0, 0.4, 1.5):
            expected = style(photo, strength)
            torch.testing.assert_close(loaded(photo, strength), expected, atol=1e-4, rtol=0)


@pytest.mark.slow
def test_onnx_of_a_shipped_style(tmp_path: Path) -> None:
    """Flat maps, as of one pixel, are where trained norms enlarge rounding most."""
    assert export_style(load_style("wave"), tmp_path / "x.onnx") < FLAT_PARITY


@pytest.mark.slow
def test_onnx_parity_up_to_1080_pixels(tmp_path: Path) -> None:
    style = tiny(width=8, antialias=True)
    export_style(style, tmp_path / "x.onnx")
    loaded = load_onnx(tmp_path / "x.onnx")
    for size in ((1080, 1080), (1079, 333), (1, 1080), (719, 1), (31, 1001)):
        photo = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(1))
        expected = style.generator(photo, 0.8)
        torch.testing.assert_close(loaded.generator(photo, 0.8), expected, atol=1e-4, rtol=0)


def test_pt2_of_a_style_without_strength(tmp_path: Path) -> None:
    style = tiny(strength=False, depth=1)
    assert export_style(style, tmp_path / "x.pt2") < 1e-4
    module = torch.export.load(tmp_path / "x.pt2").module()
    photo = torch.rand(2, 3, 33, 40)
    torch.testing.assert_close(module(photo), style.generator(photo), atol=1e-4, rtol=0)


def test_pt2_parity(tmp_path: Path) -> None:
    style = tiny()
    assert export_style(style, tmp_path / "x.bin", "pt2") < 1e-4
    extra = {"recipe.json": "", "info.json": ""}
    module = torch.export.load(tmp_path / "x.bin", extra_files=extra).module()
    photo = torch.rand(1, 3, 5, 77)
    expected = style.generator(photo, 0.5)
    torch.testing.assert_close(module(photo, torch.tensor([0.5])), expected, atol=1e-4, rtol=0)
    assert '"tiny"' in str(extra["recipe.json"])


def test_other_formats_are_refused(tmp_path: Path) -> None:
    for name, export_format in (("x.tflite", None), ("x", None), ("x.onnx", "coreml")):
        with pytest.raises(GanstyleError, match=r"cannot be exported as .*give --format onnx or pt2"):
            export_style(tiny(), tmp_path / name, export_format)
    assert list(tmp_path.iterdir()) == []


class Negative(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 1 - x


@pytest.mark.parametrize("name", ["x.onnx", "x.pt2"])
def test_mismatching_export_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(graph, "PARITY", -1.0)
    with pytest.raises(GanstyleError, match="differs from the style by"):
        export_style(replace(tiny(), generator=Negative()), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_generator_that_cannot_be_exported(tmp_path: Path) -> None:
    class ByBrightness(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if float(x.mean()) > 0.5 else 1 - x

    with pytest.raises(GanstyleError, match="cannot be exported as onnx") as caught:
        export_style(replace(tiny(), generator=ByBrightness()), tmp_path / "x.onnx")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_damaged_and_foreign_graphs_are_one_line(tmp_path: Path) -> None:
    import onnx

    with pytest.raises(CheckpointError, match="no such file"):
        load_onnx(tmp_path / "none.onnx")
    (tmp_path / "words.onnx").write_text("words")
    with pytest.raises(CheckpointError, match="not a readable ONNX file"):
        load_onnx(tmp_path / "words.onnx")
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    result = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    model = onnx.helper.make_model(
        onnx.helper.make_graph([node], "g", [value], [result]),
        opset_imports=[onnx.helper.make_opsetid("", 18)],
        ir_version=9,
    )
    onnx.save(model, tmp_path / "foreign.onnx")
    with pytest.raises(CheckpointError, match="not a style of ganstyle's"):
        load_onnx(tmp_path / "foreign.onnx")


def test_missing_export_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganstyle.extras.is_installed", lambda package: False)
    with pytest.raises(GanstyleError, match=r"exporting to ONNX needs .*'ganstyle\[export\]'"):
        export_style(tiny(), tmp_path / "x.onnx")
    with pytest.raises(GanstyleError, match=r"'ganstyle\[export\]'"):
        load_onnx(tmp_path / "x.onnx")
