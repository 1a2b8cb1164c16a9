"""Reading a ``.safetensors`` from anywhere: its header is checked before memory is taken.

The library itself makes sure that the tensors lie within the file. What it cannot know is which ones belong
there: a file may be as large as it claims and still hold terabytes, or a recipe for an enormous network.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import safe_open
from torch import Tensor

from ganstyle.models.quantization import SCALE, dequantize

_LARGEST_FILE = 2**33  # bytes: torch maps the whole file before anything can be checked
_LONGEST_HEADER = 2**23  # bytes; that of a style has less than a hundredth
_DEEPEST = 50  # levels of nesting, as in a recipe
_FLOATS = ("F16", "BF16", "F32", "F64")
_QUANTIZED = ("I8", "I16")

Kind = TypeVar("Kind", dict[str, Any], list[Any], str, int)


@dataclass(frozen=True)
class CheckpointFile:
    """An open file, of which only the header has been read.

    Attributes:
        metadata: its strings.
        shapes: of every tensor, by name; that of the numbers, where their bytes lie apart. The scales of
            quantized ones are left out.
    """

    metadata: Mapping[str, str]
    shapes: Mapping[str, tuple[int, ...]]
    _file: Any
    _types: Mapping[str, str]
    _scales: Mapping[str, tuple[int, ...]]

    def read(self, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Read exactly the expected tensors, quantized or not; see `ganstyle.models.quantization`.

        Args:
            expected: tensors of the right shapes, which may be on the meta device.

        Returns:
            The tensors by name; numbers are finite.

        Raises:
            ValueError: one is missing, is not expected, does not fit, or holds a number that is not finite.
        """
        self._check(expected)
        tensors = dequantize({name: self._file.get_tensor(name) for name in (*self.shapes, *self._scales)})
        for name, tensor in tensors.items():
            if not torch.isfinite(tensor.float()).all():
                raise ValueError(f"{name} holds numbers that are not finite")
        return tensors

    def _check(self, expected: Mapping[str, Tensor]) -> None:
        for name, tensor in expected.items():
            if name not in self.shapes:
                raise ValueError(f"{name} is missing")
            shape, kind = self.shapes[name], self._types[name]
            if shape != tuple(tensor.shape):
                raise ValueError(f"{name} has shape {shape}, not {tuple(tensor.shape)}")
            if kind not in (*_FLOATS, *_QUANTIZED):
                raise ValueError(f"{name} holds {kind}, not floating-point numbers")
            if kind in _QUANTIZED and (not shape or self._scales.get(name + SCALE) != shape[:1]):
                raise ValueError(f"{name}{SCALE}, the scale of each row, is missing or does not fit")
        unknown = sorted(self.shapes.keys() - expected.keys())
        if unknown:
            raise ValueError(f"{unknown[0][:80]!a} does not belong there")


@contextmanager
def open_checkpoint(path: str | Path) -> Iterator[CheckpointFile]:
    """Open a ``.safetensors`` and read its header.

    Raises:
        SafetensorError: it is damaged or no such file.
        ValueError: it, or its header, is larger than that of any checkpoint.
        OSError: it cannot be read.
        RuntimeError: it does not fit into the address space.
    """
    with Path(path).open("rb") as start:
        length = int.from_bytes(start.read(8), "little")
        size = start.seek(0, os.SEEK_END)
    if size > _LARGEST_FILE:
        raise ValueError(f"it has {size:,} bytes, more than any checkpoint")
    if length > _LONGEST_HEADER:
        raise ValueError(f"its header claims {length:,} bytes, more than {_LONGEST_HEADER:,}")
    with safe_open(path, framework="pt", device="cpu") as file:
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        shapes = {name: tuple(each.get_shape()) for name, each in slices.items()}
        types = {name: str(each.get_dtype()) for name, each in slices.items()}
        apart = [name for name, kind in types.items() if kind == "U8" and shapes[name][:1] == (2,)]
        shapes |= {name: shapes[name][1:] for name in apart}  # the numbers', not that of their two bytes
        types |= dict.fromkeys(apart, "I16")
        quantized = {name + SCALE for name, kind in types.items() if kind in _QUANTIZED}
        scales = {name: shapes.pop(name) for name in quantized & shapes.keys() if types[name] == "F32"}
        yield CheckpointFile(file.metadata() or {}, shapes, file, types, scales)


def parse_metadata(text: str, kind: type[Kind]) -> Kind:
    """Read the JSON that a string of the metadata holds.

    Args:
        text: the string.
        kind: what it must be, such as ``dict``.

    Raises:
        ValueError: it is not JSON, of another kind, or nested too deeply.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("its metadata are nested too deeply") from None
    if not isinstance(value, kind):
        raise ValueError("its metadata are of another kind")
    _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        nested = (each for each in level if isinstance(each, dict | list))
        inner = (each.values() if isinstance(each, dict) else each for each in nested)
        level = [item for items in inner for item in items]
        if not level:
            return
    raise ValueError("its metadata are nested too deeply")
