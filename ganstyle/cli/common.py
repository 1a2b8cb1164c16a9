"""What several commands share."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor

INTERRUPTED = 130
"""What a shell calls a command that Ctrl-C ended."""


def check_output(output: Path, inputs: Sequence[Path], *, force: bool) -> None:
    """Find out before the work whether an image could be written.

    Raises:
        GanstyleError: it could not; it exists and ``force`` is not given; or it is one of the inputs.
    """
    from ganstyle.errors import GanstyleError
    from ganstyle.files import check_writable
    from ganstyle.images import output_format

    output_format(output)
    if output.is_dir():
        raise GanstyleError(f"{output}: is a folder; name an image file")
    check_writable(output.parent)
    if not output.exists():
        return
    if any(path.exists() and path.samefile(output) for path in inputs):
        raise GanstyleError(f"{output}: is an input, which is never replaced; choose another output")
    if not force:
        raise GanstyleError(f"{output}: exists already; use --force to replace it")


def pick_precision(name: str, device: "torch.device") -> "torch.dtype":
    """Return what the feature network computes in: ``auto`` is bf16 where the device has it natively.

    Raises:
        GanstyleError: it is none of auto, fp32 and bf16.
    """
    import torch

    from ganstyle.devices import fast_dtype
    from ganstyle.errors import GanstyleError

    if name == "auto":
        return fast_dtype(device)
    if name not in ("fp32", "bf16"):
        raise GanstyleError(f"precision '{name}': give auto, fp32 or bf16")
    return torch.bfloat16 if name == "bf16" else torch.float32


def write_json(path: Path, values: Any) -> None:
    """Write a command's ``--json`` file, all of it or nothing."""
    from ganstyle.files import atomic_write

    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_start(start: str | None, device: "torch.device") -> "str | Tensor | None":
    """Return the picture that ``--start`` names, or the word itself if it is one that the library knows."""
    from ganstyle.images import read_image

    if start in (None, "content", "noise"):
        return start
    return read_image(start).to(device)
