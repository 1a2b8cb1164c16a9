"""Styles, codes and generators for any painting from strangers: one line each, before any memory is taken."""

import json
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from ganstyle.anystyle import load_any, load_code
from ganstyle.anystyle.code import StyleCode, save_code
from ganstyle.errors import CheckpointError, GanstyleError, WeightsError
from ganstyle.models import VGG16Student
from ganstyle.style import load_style
from ganstyle.weights.student import load_student, save_student

Change = Callable[[dict[str, Tensor], dict[str, str]], None]


@pytest.fixture(params=[False, True], ids=["exact", "compact"])
def style_file(request: pytest.FixtureRequest, make_style: Callable[[], Path], tmp_path: Path) -> Path:
    path = tmp_path / "a.safetensors"
    load_style(make_style()).save(path, compact=request.param)
    return path


def rewrite(path: Path, change: Change) -> Path:
    with safe_open(path, framework="pt") as file:
        metadata = dict(file.metadata())
    tensors = dict(load_file(path))
    change(tensors, metadata)
    save_file(tensors, path, metadata)
    return path


def message(path: Path, load: Callable[[Path], object] = load_style) -> str:
    """Return the error's text, having checked that it is short, one line, and came quickly."""
    began = time.process_time()
    with pytest.raises(GanstyleError) as caught:
        load(path)
    assert time.process_time() - began < 5
    text = str(caught.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    assert len(text) < len(str(path)) + 600
    return text


def first_kernel(tensors: dict[str, Tensor]) -> str:
    """Return the name of a kernel, whole or as bytes that lie apart."""
    return next(k for k, v in tensors.items() if k.startswith("generator.") and v.ndim >= 4)


def lying_header(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Change the header, and make the file as large as it claims without using the disk."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + content[8 + length :])
        last = max(e["data_offsets"][1] for k, e in header.items() if k != "__metadata__")
        file.truncate(8 + len(text) + last)
    return path


def test_extra_tensor_is_refused(style_file: Path) -> None:
    for name in ("more", "generator.more", "x" * 10_000):
        text = message(rewrite(style_file, lambda t, m, n=name: t.update({n: torch.ones(2)})))  # type: ignore[misc]
        assert "does not belong there" in text
        rewrite(style_file, lambda t, m, n=name: t.__delitem__(n))  # type: ignore[misc]
    assert load_style(style_file)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_non_finite_weights_are_refused(style_file: Path, value: float) -> None:
    def spoil(tensors: dict[str, Tensor], _: dict[str, str]) -> None:
        name = next(k for k, v in tensors.items() if k.startswith("generator.") and v.is_floating_point())
        tensors[name].view(-1)[0] = value

    assert "not finite" in message(rewrite(style_file, spoil))


def test_non_finite_gram_matrix_is_refused(style_file: Path) -> None:
    def spoil(tensors: dict[str, Tensor], _: dict[str, str]) -> None:
        name = next(k for k, v in tensors.items() if k.startswith("gram.") and v.is_floating_point())
        tensors[name].view(-1)[0] = float("nan")

    assert "not finite" in message(rewrite(style_file, spoil))


@pytest.mark.parametrize("dtype", [torch.int32, torch.bool, torch.uint8, torch.float8_e4m3fn, torch.int16])
def test_unexpected_dtypes_are_refused(style_file: Path, dtype: torch.dtype) -> None:
    def change(tensors: dict[str, Tensor], _: dict[str, str]) -> None:
        name = next(k for k in tensors if k.endswith("bias"))
        tensors[name] = tensors[name].to(dtype)

    assert "bias" in message(rewrite(style_file, change))


def test_quantization_scales_of_wrong_shape_are_refused(style_file: Path) -> None:
    def change(tensors: dict[str, Tensor], _: dict[str, str]) -> None:
        name = first_kernel(tensors)
        kernel = tensors[name]
        if kernel.dtype == torch.uint8:
            kernel = kernel[0]  # the low bytes
        tensors[name], tensors[name + ".scale"] = kernel.to(torch.int16), torch.ones(1)

    assert "scale" in message(rewrite(style_file, change))


@pytest.mark.parametrize("parts", [1, 3])
def test_bytes_that_lie_apart_come_in_twos(style_file: Path, parts: int) -> None:
    def change(tensors: dict[str, Tensor], _: dict[str, str]) -> None:
        name = first_kernel(tensors)
        shape = tensors[name].shape[tensors[name].dtype == torch.uint8 :]
        tensors[name] = torch.zeros(parts, *shape, dtype=torch.uint8)
        tensors[name + ".scale"] = torch.ones(shape[0])

    assert "shape" in message(rewrite(style_file, change))


def test_bytes_in_place_of_numbers_are_refused(style_file: Path) -> None:
    """Also if there is a scale for each of them."""

    def change(tensors: dict[str, Tensor], _: dict[str, str]) -> None:
        name = "generator.to_image.conv.bias"
        tensors[name], tensors[name + ".scale"] = torch.zeros(3, dtype=torch.uint8), torch.ones(3)

    assert "generator.to_image.conv.bias holds U8" in message(rewrite(style_file, change))


def test_tensor_header_claiming_terabytes_is_refused(style_file: Path) -> None:
    def claim(header: dict[str, Any]) -> None:
        name = max((k for k in header if k != "__metadata__"), key=lambda k: header[k]["data_offsets"][1])
        entry = header[name]
        entry["dtype"], entry["shape"] = "F32", [2**20, 2**18]
        entry["data_offsets"][1] = entry["data_offsets"][0] + 2**40

    assert "more than any checkpoint" in message(lying_header(style_file, claim))


def test_huge_extra_matrix_is_refused(style_file: Path) -> None:
    def claim(header: dict[str, Any]) -> None:
        last = max(e["data_offsets"][1] for k, e in header.items() if k != "__metadata__")
        entry = {"dtype": "F32", "shape": [2**14, 2**15], "data_offsets": [last, last + 2**31]}
        header["gram.relu1_1"] = entry

    assert "gram.relu1_1 has shape (16384, 32768)" in message(lying_header(style_file, claim))


@pytest.mark.parametrize("length", [0, 1, 2**23 + 1, 2**40, 2**64 - 1])
def test_wrong_header_length_is_refused(style_file: Path, length: int) -> None:
    content = style_file.read_bytes()
    style_file.write_bytes(struct.pack("<Q", length) + content[8:])
    assert message(style_file)


def test_metadata_bomb_is_refused(style_file: Path) -> None:
    assert "its header claims" in message(rewrite(style_file, lambda t, m: m.update(info="[" * 2**23)))


@pytest.mark.parametrize("key", ["recipe", "info"])
@pytest.mark.parametrize("depth", [60, 900, 5_000, 200_000])
def test_deeply_nested_metadata_is_refused(style_file: Path, key: str, depth: int) -> None:
    deep = '{"a":' + "[" * depth + "]" * depth + "}"
    assert "nested too deeply" in message(rewrite(style_file, lambda t, m: m.update({key: deep})))


@pytest.mark.parametrize("text", ["[]", "1", "null", '"a"', "1e999", "9" * 5000])
@pytest.mark.parametrize("key", ["recipe", "info"])
def test_metadata_of_wrong_type_is_refused(style_file: Path, key: str, text: str) -> None:
    assert "does not hold" in message(rewrite(style_file, lambda t, m: m.update({key: text})))


@pytest.mark.parametrize(
    "generator",
    [
        {"name": "resnet", "width": 10**6},
        {"name": "resnet", "width": 4096},
        {"name": "resnet", "blocks": 4096, "width": 1},
        {"name": "lean", "width": 1, "coarse": 4096, "coarse_width": 1, "blocks": 4096},
        {"name": "lean", "depth": 4096},
        {"name": "unet", "depth": 4000},
        {"name": "transformer"},
        {"name": "../../etc/passwd"},
        {"name": "x" * 100_000},
        {"name": "resnet", "width": True},
        {"name": ["resnet"]},
        {"name": "resnet", "__class__": 1},
        [],
        None,
    ],
)
def test_recipe_of_another_network_is_refused(style_file: Path, generator: object) -> None:
    def change(_: dict[str, Tensor], metadata: dict[str, str]) -> None:
        metadata["recipe"] = json.dumps({**json.loads(metadata["recipe"]), "generator": generator})

    assert message(rewrite(style_file, change))


@pytest.mark.parametrize(
    "info",
    [
        {"vgg": 1},
        {"vgg": {"sha256": 1}},
        {"training": []},
        {"training": {"steps": "many"}},
        {"training": {"photos": "many"}},
        {"training": {"steps": 10**400}},
        {"training": {"seconds": {}}},
        {"scores": {"content": "low"}},
    ],
)
def test_provenance_of_wrong_type_is_refused(style_file: Path, info: object) -> None:
    assert "info." in message(rewrite(style_file, lambda t, m: m.update(info=json.dumps(info))))


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("generator", '{"width": 1000000}'),
        ("generator", '{"projections": 4096}'),
        ("generator", '{"code": "x"}'),
        ("generator", '{"strange": 1}'),
        ("generator", "[" * 5000),
        ("size", "1e30"),
        ("size", "0"),
        ("size", "[]"),
        ("size", "[" * 5000),
        ("info", "[]"),
    ],
)
def test_malformed_any_painting_generator_is_refused(
    any_painting: Path, tmp_path: Path, key: str, text: str
) -> None:
    path = tmp_path / "any.safetensors"
    path.write_bytes(any_painting.read_bytes())
    assert "does not hold" in message(rewrite(path, lambda t, m: m.update({key: text})), load_any)


def test_any_painting_generator_with_wrong_tensors_is_refused(any_painting: Path, tmp_path: Path) -> None:
    path = tmp_path / "any.safetensors"
    for change in (
        lambda t, m: t.update(more=torch.ones(1)),
        lambda t, m: t.update(neutral=torch.ones(1, 2, 3)),
        lambda t, m: t["neutral.scale"].fill_(float("nan")),
    ):
        path.write_bytes(any_painting.read_bytes())
        assert "does not hold" in message(rewrite(path, change), load_any)


@pytest.mark.parametrize(
    ("key", "text"),
    [("paintings", "1"), ("paintings", "[" * 5000), ("name", "[]"), ("format", "style-code-9")],
)
def test_malformed_style_code_is_refused(tmp_path: Path, key: str, text: str) -> None:
    path = tmp_path / "a.safetensors"
    save_code(path, StyleCode("a", torch.rand(1, 3, 8), "0" * 64))
    assert load_code(path).values.shape == (1, 3, 8)
    assert "not a readable style code" in message(
        rewrite(path, lambda t, m: m.update({key: text})), load_code
    )


def test_huge_style_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_code(path, StyleCode("a", torch.rand(1, 3, 8), "0" * 64))

    def claim(header: dict[str, Any]) -> None:
        header["code"].update(shape=[1, 2**14, 2**15], data_offsets=[0, 2**31])

    assert "its numbers are damaged" in message(lying_header(path, claim), load_code)


@pytest.mark.parametrize("student", [{"widths": [10**6] * 7}, {"widths": "x"}, {"strange": 1}, []])
def test_distilled_vgg_of_another_network_is_refused(tmp_path: Path, student: object) -> None:
    path = tmp_path / "a.safetensors"
    save_student(path, VGG16Student(), {})
    assert isinstance(load_student(path), VGG16Student)
    rewrite(path, lambda t, m: m.update(student=json.dumps(student)))
    with pytest.raises(WeightsError, match="not a readable distilled VGG-16"):
        load_student(path)


def test_messages_hold_no_control_characters(style_file: Path) -> None:
    def change(tensors: dict[str, Tensor], _: dict[str, str]) -> None:
        tensors["\x1b[2J\r\n"] = torch.ones(1)

    with pytest.raises(CheckpointError) as caught:
        load_style(rewrite(style_file, change))
    assert str(caught.value).isprintable()
