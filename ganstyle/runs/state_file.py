"""Reading a saved state from anywhere: nothing is executed, and nothing in it is larger than the file."""

import math
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from ganstyle.errors import one_line
from ganstyle.runs.snapshot import find_not_finite

_MOST_ENTRIES = 100_000  # of the archive, one for each tensor
_COUNTS = ("step", "photos")


def read_state_file(path: Path) -> dict[str, Any]:
    """Read a dictionary that ``torch.save`` wrote.

    Args:
        path: the file.

    Raises:
        ValueError: the file is damaged, or holds no training's state.
        OSError: it cannot be read.
    """
    try:
        _check_archive(path)
        with warnings.catch_warnings(action="ignore"):  # about kinds of tensors that are refused below
            values = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, EOFError, RecursionError) as error:
        # What torch says beyond its first line recommends loading the file unsafely.
        raise ValueError(str(error).partition("\n")[0]) from error
    except MemoryError as error:
        raise ValueError("it claims more memory than there is") from error
    except RuntimeError as error:
        raise ValueError(one_line(error)) from error
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ValueError("it is not a dictionary")
    for name in _COUNTS:
        if name in values and not _is_count(values[name]):
            raise ValueError(f"{name} is not a whole number")
    seconds = values.get("seconds", 0.0)
    if not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise ValueError("seconds is not a number")
    for tensor in _tensors(values):
        if tensor.numel() * tensor.element_size() > max(tensor.untyped_storage().nbytes(), 8):
            raise ValueError("it holds a tensor that is larger than its numbers")
    not_finite = find_not_finite(values)
    if not_finite:
        raise ValueError(f"{not_finite} is not finite")
    return values


def _check_archive(path: Path) -> None:
    """Make sure that an archive is not larger unpacked than it is; torch never compresses."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile as error:
        raise ValueError(f"it is not an archive of PyTorch ({error})") from error
    except (NotImplementedError, ValueError, RecursionError) as error:
        raise ValueError("it is a damaged archive") from error
    if len(entries) > _MOST_ENTRIES:
        raise ValueError(f"it holds {len(entries):,} tensors")
    if sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise ValueError("its tensors claim more bytes than it has")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _tensors(values: Any) -> Iterator[Tensor]:
    level = [values]
    while level:
        value = level.pop()
        if isinstance(value, Tensor):
            if value.layout != torch.strided or value.is_quantized:
                raise ValueError("it holds a tensor of another layout")
            yield value
        elif isinstance(value, dict | list | tuple):
            level += value.values() if isinstance(value, dict) else value
